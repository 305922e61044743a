"""Projects on local clusters of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.canary.project import Project, project


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Project]:
    """Two primaries of a multi-primary mesh."""
    with project(tmp_path, ("prod-aws", "prod-azure")) as found:
        yield found


@pytest.fixture(scope="module")
def unmoved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Two primaries with a canary that no test moves."""
    with project(tmp_path_factory.mktemp("unmoved"), ("prod-aws", "prod-azure")) as found:
        found.deploy()
        yield found


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Project]:
    """One shared control plane: the Istio objects are in the first of two clusters."""
    with project(tmp_path, ("prod-aws", "prod-azure"), topology="primary-remote") as found:
        yield found
