"""The clusters under contract: the lab's, and with `-m kubernetes` a real one (built here, or KUBECONFIG's)."""

from __future__ import annotations

import os
import re
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract import clusters
from tests.contract.api import good
from tests.contract.real import sources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.api import Cluster

HERE = Path(__file__).parent
LAB, REAL = "lab", "real"


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Marking())
    config.addinivalue_line("markers", "since(version): the Kubernetes version from which this holds")
    config.addinivalue_line("markers", "fake_pods: needs pods that fail as an annotation tells")
    config.addinivalue_line("markers", "own_server: needs a server that was started for the tests")


class Marking:
    """Marks the suite, before pytest chooses by marks."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Mark the suite as running real parts."""
        for item in items:
            if item.path.is_relative_to(HERE):
                item.add_marker(pytest.mark.service)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what a real cluster is too old for, or cannot be made to do. It is asked only where it is used."""
    mine = [item for item in items if item.path.is_relative_to(HERE) and _is_real(item)]
    left_out = [item for item in mine if not _holds(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def _is_real(item: pytest.Item) -> bool:
    return item.get_closest_marker("kubernetes") is not None


def _holds(item: pytest.Item) -> bool:
    since = item.get_closest_marker("since")
    if since and clusters.real_version() < _version(since.args[0]):
        return False
    needs_own = item.get_closest_marker("fake_pods") or item.get_closest_marker("own_server")
    return not (os.environ.get("KUBECONFIG") and needs_own)


def _version(text: str) -> tuple[int, int]:
    found = re.match(r"v?(\d+)\.(\d+)", text)
    assert found, text
    return int(found[1]), int(found[2])


@pytest.fixture(scope="session", params=[LAB, pytest.param(REAL, marks=pytest.mark.kubernetes)])
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run, or reach, the cluster that the suite is about."""
    folder = tmp_path_factory.mktemp("cluster")
    if request.param == LAB:
        with clusters.lab(folder) as found:
            yield found
    elif os.environ.get("KUBECONFIG"):
        with clusters.given(Path(os.environ["KUBECONFIG"])) as found:
            _say(request.config)(f"the contract is held against the cluster of KUBECONFIG, {found.kubeconfig}")
            yield found
    else:
        try:
            binaries = sources.binaries(_say(request.config))
        except sources.CannotBuild as error:
            pytest.skip(str(error))
        with clusters.real(binaries, folder) as found:
            yield found


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """Make a namespace, with its default ServiceAccount, for one test."""
    name = f"contract-{secrets.token_hex(4)}"
    body: dict[str, Any] = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    good(cluster.admin.post("/api/v1/namespaces", body), 201)
    clusters.wait_for_account(cluster.admin, name)
    yield name
    cluster.admin.delete(f"/api/v1/namespaces/{name}")


def _say(config: pytest.Config) -> Any:
    """Return what tells of a build's progress, past pytest's capturing."""
    capture = config.pluginmanager.getplugin("capturemanager")

    def say(text: str) -> None:
        with capture.global_and_fixture_disabled():
            sys.stderr.write(f"\nkubernetes: {text}\n")

    return say
