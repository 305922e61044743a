"""Charts that others made: in a folder, or fetched from a repository by helm into one."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from mcci.clients.helm import binary
from mcci.clients.helm.failures import failure
from mcci.errors import ServiceFailed, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.clients.helm.binary import Helm

PATIENCE = 120.0  # seconds for one chart


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart in a folder: its name, its versions, and a digest of all its files."""

    name: str
    folder: Path
    version: str
    app_version: str
    digest: str


def read(folder: Path) -> Chart:
    """Return the chart in a folder. Raises `UsageError` where there is none."""
    try:
        document: Any = yaml.safe_load((folder / "Chart.yaml").read_text("utf-8"))
        name, version = str(document["name"]), str(document["version"])
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise UsageError(f"{folder} holds no Helm chart: its Chart.yaml cannot be read.") from error
    digest = hashlib.sha256()
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder)}\0{len(content)}\0".encode() + content)
    return Chart(
        name=name, folder=folder, version=version, app_version=str(document.get("appVersion") or version),
        digest=digest.hexdigest(),
    )  # fmt: skip


def pull(helm: Helm, environment: Mapping[str, str], repository: str, name: str, version: str, into: Path) -> Chart:
    """Fetch a chart of a repository (`https://…`, `oci://…`) into a folder. Raises what helm's failures mean."""
    where = [f"{repository.rstrip('/')}/{name}"] if repository.startswith("oci://") else [name, "--repo", repository]
    command = [helm.path, "pull", *where, "--version", version, "--untar", "--untardir", str(into)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False, timeout=PATIENCE,
            stdin=subprocess.DEVNULL, env=binary.clean(environment),
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise ServiceFailed(f"{repository} did not give the chart {name} within {PATIENCE:.0f} s.") from error
    if done.returncode:
        raise failure(f"the chart {name} {version} of {repository}", done.stderr)
    return read(into / name)
