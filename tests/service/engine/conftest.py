"""One engine, two registries and a base image for the whole run; a fresh project for each test."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from mcci.clients import base_image
from tests.service.engine import engines
from tests.service.engine.project import Project, login
from tests.service.registry import servers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.service.registry.servers import Server


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run dockerd."""
    with engines.dockerd(tmp_path_factory.mktemp("engine")) as address:
        yield address


@pytest.fixture(scope="session")
def candidates_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run the candidates' registry: plain HTTP on loopback, a user."""
    with servers.running(tmp_path_factory.mktemp("candidates"), user=True) as server:
        yield server


@pytest.fixture(scope="session")
def hub_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run the release registry: TLS, a user."""
    with servers.running(tmp_path_factory.mktemp("hub"), user=True, tls=True) as server:
        yield server


@pytest.fixture(scope="session")
def base(engine: str, candidates_server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Import a base image into the engine and push it; return its name."""
    folder = tmp_path_factory.mktemp("base")
    login(folder, candidates_server)
    base_image.write(folder / "base.tar")
    name = f"{candidates_server.host}/base:1"
    changes = [f"--change=ENV {key}={value}" for key, value in base_image.environment().items()]
    environment = {"DOCKER_HOST": engine, "DOCKER_CONFIG": str(folder), "PATH": "/usr/bin:/bin"}
    for arguments in (["import", *changes, str(folder / "base.tar"), name], ["push", "-q", name]):
        subprocess.run(["/usr/bin/docker", *arguments], env=environment, check=True, capture_output=True)
    (folder / "base.tar").unlink()
    return name


@pytest.fixture
def project(
    engine: str,
    candidates_server: Server,
    hub_server: Server,
    base: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Project:
    """Return a project with one service, `web`, committed."""
    monkeypatch.setenv("SSL_CERT_FILE", str(hub_server.certificate))
    found = Project(tmp_path / "project", engine, candidates_server, hub_server, base)
    found.service()
    found.configure()
    found.commit()
    return found
