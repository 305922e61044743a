"""The commands of the page on bringing clusters in do what it says, on the mcci.yml that it shows."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from mcci.lab.clusters.cluster import Cluster
from mcci.lab.clusters.resources import NODES
from tests.docs.pages import page, pattern
from tests.tools.lab import LabCluster
from tests.tools.rancher import FakeRancher, fake_rancher

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "docs/how-to/bring-clusters-in.md"
READY = {"metadata": {"name": "node"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}
RANGES = {"prod-aws": "10.43.0.0/16", "prod-azure": "10.45.0.0/16", "stage-aws": "10.43.0.0/16"}


def test_the_page(tmp_path: Path) -> None:
    """Each command of the page succeeds and prints what is shown; Rancher alone is a fake."""
    with ExitStack() as stack:
        clusters = {name: stack.enter_context(_cluster(name, tmp_path / name)) for name in RANGES}
        found = {name: _described(each) for name, each in clusters.items()}
        rancher = stack.enter_context(fake_rancher(tmp_path / "rancher", found))
        for name in ("stage-servers", "stage-workers"):
            rancher.machine_config(name)
        rancher.credential("cc-x7v2k")
        work = _project(tmp_path, rancher, found)
        for step in page(NAME).steps:
            done = subprocess.run(
                ["bash", "-c", step.command], cwd=work, env=_environment(tmp_path, rancher), text=True, timeout=120,
                stdin=subprocess.DEVNULL, capture_output=True,
            )  # fmt: skip
            assert done.returncode == step.exit_code, f"{NAME}:{step.line}: {step.command}\n{done.stdout}{done.stderr}"
            assert re.fullmatch(pattern(step), f"{done.stdout.strip()}\n"), f"{NAME}:{step.line} prints\n{done.stdout}"


def _cluster(name: str, folder: Path) -> Cluster:
    return Cluster(name, folder, services=RANGES[name])


def _described(cluster: Cluster) -> LabCluster:
    """Return a cluster with one node, and an administrator's kubeconfig."""
    file = cluster.folder / "kubeconfig"
    file.write_text(cluster.kubeconfig())
    found = LabCluster(name=cluster.name, url=cluster.url, kubeconfig_file=file, cluster=cluster, node=None)
    cluster.store.create(NODES, READY)
    return found


def _project(home: Path, rancher: FakeRancher, clusters: Mapping[str, LabCluster]) -> Path:
    document = yaml.safe_load(next(block.text for block in page(NAME).blocks if block.language == "yaml"))
    document["rancher"]["url"] = rancher.url
    work = home / "work"
    (work / "infra").mkdir(parents=True)
    (work / "mcci.yml").write_text(yaml.safe_dump(document))
    (work / "infra" / "rancher.pem").write_text(rancher.authority)
    for name, file in (("prod-aws", "aws.yaml"), ("prod-azure", "azure.yaml")):
        (home / file).write_text(clusters[name].kubeconfig())
    return work


def _environment(home: Path, rancher: FakeRancher) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    return {"PATH": path, "HOME": str(home), "RANCHER_TOKEN": rancher.key(), "NO_COLOR": "1"}
