"""Real registries: Debian's `docker-registry` on loopback, with a user, TLS or tokens."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.service.registry.tokens import TokenService

USER = "robot"
PASSWORD = "correct horse"
# bcrypt, the only one that docker-registry takes, of PASSWORD
HTPASSWD = "robot:$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2\n"


@dataclass(frozen=True, slots=True)
class Server:
    """A registry that runs: its host with port, its folder, and its certificate where it has TLS."""

    host: str
    folder: Path
    certificate: Path | None = None

    @property
    def port(self) -> int:
        """The port."""
        return int(self.host.rpartition(":")[2])


def need(program: str, package: str) -> str:
    """Return the program's path; without it, fail in CI and skip elsewhere, saying how to get it."""
    found = shutil.which(program)
    if found:
        return found
    reason = f"no {program}: sudo apt-get install {package}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@contextlib.contextmanager
def running(
    folder: Path, *, user: bool = False, tls: bool = False, tokens: TokenService | None = None
) -> Iterator[Server]:
    """Run a registry that keeps its data in `folder`; `user` lets only USER in, `tokens` those with a token."""
    program = need("docker-registry", "docker-registry")
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    http: dict[str, object] = {"addr": f"127.0.0.1:{port}", "secret": "a secret of the tests"}
    certificate = None
    if tls:
        from tests.service.registry.certificates import self_signed

        certificate, key = self_signed(folder)
        http["tls"] = {"certificate": str(certificate), "key": str(key)}
    auth: dict[str, object] = {}
    if user:
        (folder / "htpasswd").write_text(HTPASSWD)
        auth = {"auth": {"htpasswd": {"realm": "tests", "path": str(folder / "htpasswd")}}}
    if tokens:
        auth = {"auth": {"token": tokens.configuration()}}
    config = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}},
        "http": http,
        **auth,
    }
    (folder / "config.yml").write_text(yaml.safe_dump(config))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "serve", str(folder / "config.yml")], stdout=log, stderr=log)
        try:
            _wait(port, process, folder / "log")
            yield Server(f"127.0.0.1:{port}", folder, certificate)
        finally:
            process.terminate()
            process.wait(10)


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    pytest.fail(f"the registry does not answer: {log.read_text()}")
