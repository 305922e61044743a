"""Istio's charts: those of a folder beside mcci.yml, or of a repository, fetched into a folder that goes again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.clients.helm import charts as helm_charts
from mcci.errors import UsageError
from mcci.mesh import versions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mcci.clients.helm.binary import Helm
    from mcci.clients.helm.charts import Chart
    from mcci.config.mesh import Mesh
    from mcci.mesh.versions import Numbers

# a chart's folder in a copy of a repository, and in Istio's own release
FOLDERS = {"base": ("base",), "istiod": ("istiod", "istio-control/istio-discovery"), "gateway": ("gateway",)}
RELEASE = "manifests/charts"


def find(mesh: Mesh, root: Path, helm: Helm, environment: Mapping[str, str], into: Path) -> dict[str, Chart]:
    """Return the three charts by name; a repository's are fetched to `into`. Raises `UsageError`, and what helm does.

    They are of one version, which is the one in mcci.yml where it says one.
    """
    if "://" in mesh.charts:
        if not mesh.version:
            raise UsageError("`mesh: version:` must say which Istio to install, such as 1.28.1.")
        found = {
            name: helm_charts.pull(helm, environment, mesh.charts, name, mesh.version, into) for name in FOLDERS
        }  # fmt: skip
    else:
        found = {name: helm_charts.read(_folder(root / mesh.charts, name)) for name in FOLDERS}
    told = {chart.version for chart in found.values()}
    if len(told) > 1:
        words = ", ".join(f"{name} {chart.version}" for name, chart in found.items())
        raise UsageError(f"the charts of {mesh.charts} are of different versions: {words}.")
    if mesh.version and told != {mesh.version}:
        raise UsageError(f"mcci.yml asks for Istio {mesh.version}, and the charts of {mesh.charts} are {told.pop()}.")
    return found


def version_of(charts: Mapping[str, Chart]) -> Numbers:
    """Return Istio's version. Raises `UsageError` where the charts' is none."""
    text = charts["istiod"].version
    found = versions.parse(text)
    if found is None:
        raise UsageError(f"the chart istiod has the version '{text}', which is none of Istio's.")
    return found


def _folder(folder: Path, name: str) -> Path:
    places = [folder / inner / each for inner in ("", RELEASE) for each in FOLDERS[name]]
    for each in places:
        if (each / "Chart.yaml").is_file():
            return each
    raise UsageError(f"there is no chart '{name}' in {folder}: looked for {', '.join(map(str, places))}.")
