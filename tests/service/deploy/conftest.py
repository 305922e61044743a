"""Three lab clusters for all tests of deploys, and a project with a namespace of its own for each test."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.service.deploy.project import Project
from tests.tools.lab import LabCluster, lab_clusters

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def clusters() -> Iterator[dict[str, LabCluster]]:
    """The clusters `stage`, `one` and `two`."""
    with lab_clusters(["stage", "one", "two"]) as found:
        yield found


@pytest.fixture
def project(tmp_path: Path, clusters: dict[str, LabCluster], request: pytest.FixtureRequest) -> Iterator[Project]:
    """A project in its own folder, with its own namespaces."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower()).strip("-")
    found = Project(tmp_path, clusters, name[:50].strip("-"))
    try:
        yield found
    finally:
        found.close()
