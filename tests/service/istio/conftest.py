"""Two fresh local clusters for each test of `mcci mesh`, and a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.service.istio.project import Project
from tests.tools.lab import lab_clusters

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project with the clusters `aws` and `azure`; nothing is written yet."""
    with lab_clusters(["aws", "azure"], folder=tmp_path / "lab", apart=True) as clusters:
        yield Project(tmp_path, clusters)
