"""A small project to build, and mcci run in it as a job would."""

from __future__ import annotations

import base64
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcci.clients.registry import reference
from mcci.clients.registry.client import Registry
from mcci.clients.registry.transport import Settings
from tests.service.registry.servers import PASSWORD, USER, free_port

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.service.registry.servers import Server

APP = """
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        known = self.path in ("/healthz", "/readyz", "/hello")
        self.send_response(200 if known else 404)
        self.end_headers()
        self.wfile.write(b"hello")
print("listening", flush=True)
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
DOCKERFILE = """\
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
ARG PORT
ENV PORT=${PORT}
COPY . /app/
CMD ["python3", "/app/app.py"]
"""


@dataclass(slots=True)
class Project:
    """A git repository with mcci.yml and services that listen on ports of their own."""

    root: Path
    engine: str
    candidates: Server
    hub: Server
    base: str
    ports: dict[str, int] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    name: str = field(default_factory=lambda: f"shop-{secrets.token_hex(4)}")

    def __post_init__(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main")
        config = self.root.parent / "docker-config"
        login(config, self.candidates, self.hub)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("CI", "GITLAB", "MCCI"))},
            "DOCKER_HOST": self.engine,
            "DOCKER_CONFIG": str(config),
            "SSL_CERT_FILE": str(self.hub.certificate),
            "PYTHONPATH": str(Path(__file__).parents[3]),
        }

    def service(self, name: str = "web", dockerfile: str = DOCKERFILE, app: str = APP) -> None:
        """Add a service's files, uncommitted."""
        folder = self.root / name
        folder.mkdir(exist_ok=True)
        (folder / "Dockerfile").write_text(dockerfile)
        (folder / "app.py").write_text(app)
        self.ports[name] = free_port()

    def configure(self, services: Mapping[str, str] | None = None, extra: str = "") -> None:
        """Write mcci.yml: each service with its port and what `services` says of it besides."""
        lines = [
            "version: 1", f"application: {self.name}",
            f"registry: {{host: '{self.hub.host}', candidates: '{self.candidates.host}/{self.name}'}}",
            "services:",
        ]  # fmt: skip
        for name, port in self.ports.items():
            own = (services or {}).get(name, "")
            arguments = f"build_args: {{BASE_IMAGE: '{self.base}', PORT: '{port}'}}"
            lines.append(f"  {name}: {{ports: {{http: {port}}}, {arguments}{', ' + own if own else ''}}}")
        (self.root / "mcci.yml").write_text("\n".join(lines) + f"\n{extra}")

    def commit(self) -> str:
        """Commit everything and return the commit."""
        self.git("add", "-A", ".")
        self.git("commit", "-q", "--allow-empty", "-m", "x")
        return self.commit_id()

    def commit_id(self) -> str:
        """Return the commit that is checked out."""
        return self.git("rev-parse", "HEAD").strip()

    def git(self, *arguments: str) -> str:
        """Run git."""
        who = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
        done = subprocess.run(["git", *who, *arguments], cwd=self.root, capture_output=True, text=True, check=True)
        return done.stdout

    def mcci(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run mcci."""
        return subprocess.run(
            [sys.executable, "-m", "mcci", *arguments], cwd=self.root, capture_output=True, text=True,
            env={**self.environment, **environment}, timeout=120,
        )  # fmt: skip

    def terminated(self, when: str, *arguments: str) -> tuple[int, str]:
        """Run mcci, send SIGTERM when its stderr says `when`, and return its exit code and stderr."""
        log = self.root.parent / "stderr"
        with log.open("w") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", "mcci", *arguments], cwd=self.root, env=self.environment,
                stdout=subprocess.DEVNULL, stderr=stderr,
            )  # fmt: skip
            end = time.monotonic() + 60
            while when not in log.read_text():
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < end, log.read_text()
                time.sleep(0.05)
            process.send_signal(signal.SIGTERM)
            return process.wait(30), log.read_text()

    def candidate(self, name: str = "web") -> reference.Reference:
        """Return the image that the candidate's file names."""
        body = json.loads((self.root / "candidates" / f"{name}.json").read_text())
        return reference.parse(body["image"])

    def registry(self, server: Server) -> Registry:
        """Open a registry, as mcci does."""
        return Registry(server.host, Settings(environment=self.environment))

    def tags(self, repository: str, server: Server | None = None) -> list[str]:
        """Return the tags of a repository."""
        server = server or self.candidates
        with self.registry(server) as registry:
            return sorted(registry.tags(reference.parse(f"{server.host}/{repository}")))

    def labels(self, name: str = "web") -> dict[str, str]:
        """Return the labels of the candidate."""
        with self.registry(self.candidates) as registry:
            found: dict[str, Any] = registry.config(self.candidate(name))
        return dict(found["config"]["Labels"])

    def docker(self, *arguments: str) -> str:
        """Run the engine's own client."""
        done = subprocess.run(
            ["/usr/bin/docker", *arguments], env=self.environment, cwd=self.root, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def login(config: Path, *servers: Server) -> None:
    """Write the credentials for registries, as `docker login` does."""
    config.mkdir(parents=True, exist_ok=True)
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    (config / "config.json").write_text(json.dumps({"auths": {server.host: {"auth": auth} for server in servers}}))
