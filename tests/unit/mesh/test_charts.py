"""Where Istio's charts are found, and when they do not go together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mcci.clients.helm import charts as helm_charts
from mcci.clients.helm.binary import Helm
from mcci.errors import UsageError
from mcci.mesh import charts
from mcci.mesh.versions import Numbers
from tests.unit.mesh.meshes import config

if TYPE_CHECKING:
    from pathlib import Path

    from mcci.clients.helm.charts import Chart

HELM = Helm(path="helm", version=(3, 19, 0))
COPY = {"base": "base", "istiod": "istiod", "gateway": "gateway"}
RELEASE = {
    "base": "manifests/charts/base",
    "istiod": "manifests/charts/istio-control/istio-discovery",
    "gateway": "manifests/charts/gateway",
}


def _lay(root: Path, places: dict[str, str], **versions: str) -> None:
    """Lay charts into a folder, of 1.28.1 unless told otherwise."""
    for name, place in places.items():
        folder = root / "istio" / place
        folder.mkdir(parents=True)
        (folder / "Chart.yaml").write_text(f"name: {name}\nversion: {versions.get(name, '1.28.1')}\n")


def _find(root: Path, **mesh: str) -> dict[str, Chart]:
    return charts.find(config({"charts": "istio", **mesh}).mesh, root, HELM, {}, root / "fetched")


@pytest.mark.parametrize("places", [COPY, RELEASE])
def test_layouts(tmp_path: Path, places: dict[str, str]) -> None:
    """A folder may be a copy of the repository's charts, or Istio's release as it is unpacked."""
    _lay(tmp_path, places)
    found = _find(tmp_path, version="1.28.1")
    assert {name: each.folder for name, each in found.items()} == {
        name: tmp_path / "istio" / place for name, place in places.items()
    }
    assert charts.version_of(found) == Numbers(1, 28, 1)


def test_different_versions(tmp_path: Path) -> None:
    """Charts of different versions are refused, and so are those that are not the version asked for."""
    _lay(tmp_path, COPY, gateway="1.27.0")
    with pytest.raises(UsageError, match=r"gateway 1\.27\.0"):
        _find(tmp_path)


def test_another_version_than_asked_for(tmp_path: Path) -> None:
    """What mcci.yml asks for is what must be there."""
    _lay(tmp_path, COPY)
    with pytest.raises(UsageError, match=r"asks for Istio 1\.27\.0, and the charts of istio are 1\.28\.1"):
        _find(tmp_path, version="1.27.0")


def test_a_chart_that_is_missing(tmp_path: Path) -> None:
    """The places that were looked at are named."""
    _lay(tmp_path, {"base": "base"})
    with pytest.raises(UsageError, match=r"no chart 'istiod' in .*istio-discovery"):
        _find(tmp_path)


def test_a_repository_needs_a_version(tmp_path: Path) -> None:
    """Nobody gets the newest Istio by accident."""
    with pytest.raises(UsageError, match="must say which Istio"):
        _find(tmp_path, charts="https://charts.example/istio")


def test_a_digest_of_all_files(tmp_path: Path) -> None:
    """A chart's digest tells any change of any file, its name included."""
    _lay(tmp_path, COPY)
    folder = tmp_path / "istio/base"
    first = helm_charts.read(folder).digest
    assert helm_charts.read(folder).digest == first
    (folder / "templates").mkdir()
    (folder / "templates/a.yaml").write_text("x: 1")
    second = helm_charts.read(folder).digest
    (folder / "templates/a.yaml").rename(folder / "templates/b.yaml")
    assert len({first, second, helm_charts.read(folder).digest}) == 3


@pytest.mark.parametrize("text", ["", "- a", "name: base", "{"])
def test_no_chart(tmp_path: Path, text: str) -> None:
    """A folder whose Chart.yaml says neither name nor version is no chart."""
    (tmp_path / "Chart.yaml").write_text(text)
    with pytest.raises(UsageError, match="holds no Helm chart"):
        helm_charts.read(tmp_path)
