"""A fresh project for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.service.sync import project as projects

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> projects.Project:
    """Return a project with its default branch only."""
    return projects.make(tmp_path / "project")


@pytest.fixture
def synced(project: projects.Project) -> projects.Project:
    """Return a project whose branches are all up to date, here and at the remote; master is checked out."""
    project.git("checkout", "--quiet", "--detach")
    project.sync("--push")
    project.git("fetch", "--quiet")
    project.git("checkout", "--quiet", "-B", "master", "origin/master")
    return project
