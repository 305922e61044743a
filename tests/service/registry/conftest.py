"""The registries that the tests share, and a fresh project for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.service.registry import servers
from tests.service.registry.project import Project, client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mcci.clients.registry.client import Registry
    from tests.service.registry.servers import Server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/service/registry" in item.path.as_posix():
            item.add_marker(pytest.mark.service)


@pytest.fixture
def candidates_server(tmp_path: Path) -> Iterator[Server]:
    """Run the candidates' registry: plain HTTP, a user."""
    with servers.running(tmp_path / "candidates-registry", user=True) as server:
        yield server


@pytest.fixture
def hub_server(tmp_path: Path) -> Iterator[Server]:
    """Run the release registry: TLS, a user."""
    with servers.running(tmp_path / "hub-registry", user=True, tls=True) as server:
        yield server


@pytest.fixture
def candidates(candidates_server: Server) -> Iterator[Registry]:
    """Open the candidates' registry."""
    with client(candidates_server) as registry:
        yield registry


@pytest.fixture
def hub(hub_server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """Open the release registry."""
    monkeypatch.setenv("SSL_CERT_FILE", str(hub_server.certificate))
    with client(hub_server) as registry:
        yield registry


@pytest.fixture
def project(tmp_path: Path, candidates_server: Server, hub_server: Server) -> Project:
    """Return a project that uses the two registries."""
    folder = tmp_path / "project"
    folder.mkdir()
    return Project(folder, candidates_server, hub_server)
