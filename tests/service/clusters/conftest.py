"""One lab cluster for the tests that need no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mcci.clients.kubernetes.api import NAMESPACE
from tests.service.clusters.proxied import connected
from tests.tools.lab import LabCluster, lab_clusters

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mcci.clients.kubernetes.client import Client


@pytest.fixture(scope="session")
def lab() -> Iterator[LabCluster]:
    """A cluster called prod-aws."""
    with lab_clusters(["prod-aws"]) as clusters:
        yield clusters["prod-aws"]


@pytest.fixture
def api(lab: LabCluster, tmp_path: Path) -> Iterator[Client]:
    """The administrator's client."""
    with connected(lab.kubeconfig(), tmp_path) as found:
        yield found


@pytest.fixture
def namespace(api: Client, request: pytest.FixtureRequest) -> str:
    """A namespace of the test's own."""
    name = request.node.name.split("[")[0].replace("_", "-").removeprefix("test-")[:50]
    found: int = sum(each["metadata"]["name"].startswith(name) for each in api.list(NAMESPACE))
    api.create(NAMESPACE, {"metadata": {"name": f"{name}-{found}"}})
    return f"{name}-{found}"
