"""The commands of the page on joining clusters do what it says, on the mcci.yml that it shows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.docs.pages import page, pattern
from tests.service.istio.project import CHARTS
from tests.tools.helm import helm
from tests.tools.lab import lab_clusters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.tools.lab import LabCluster

pytestmark = pytest.mark.service
NAME = "docs/how-to/join-clusters-in-one-mesh.md"


def test_the_page(tmp_path: Path) -> None:
    """Each command of the page succeeds and prints what is shown; the charts alone are stand-ins."""
    document = yaml.safe_load(next(block.text for block in page(NAME).blocks if block.language == "yaml"))
    document["mesh"]["charts"] = "istio-charts"
    with lab_clusters(list(document["clusters"]), folder=tmp_path / "lab", apart=True) as clusters:
        work = tmp_path / "work"
        work.mkdir()
        (work / "mcci.yml").write_text(yaml.safe_dump(document))
        (work / "istio-charts").symlink_to(CHARTS)
        for step in page(NAME).steps:
            done = subprocess.run(
                ["bash", "-c", step.command], cwd=work, env=_environment(tmp_path, clusters), text=True, timeout=240,
                stdin=subprocess.DEVNULL, capture_output=True,
            )  # fmt: skip
            assert done.returncode == step.exit_code, f"{NAME}:{step.line}: {step.command}\n{done.stdout}{done.stderr}"
            assert re.fullmatch(pattern(step), f"{done.stdout.strip()}\n"), f"{NAME}:{step.line} prints\n{done.stdout}"


def _environment(home: Path, clusters: Mapping[str, LabCluster]) -> dict[str, str]:
    files = {name.upper().replace("-", "_"): str(each.kubeconfig_file) for name, each in clusters.items()}
    access = {f"KUBECONFIG_{name}": file for name, file in files.items()}
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    return {"PATH": path, "HOME": str(home), "MCCI_HELM": str(helm("3")), "NO_COLOR": "1", **access}
