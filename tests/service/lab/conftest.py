"""A lab of its own for each test, an engine, and images of small services in the lab's own registry."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mcci.clients import base_image
from tests.service.engine import engines
from tests.service.lab.site import Site
from tests.service.registry import servers
from tests.tools.helm import HelmMissingError, kubectl

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
# It listens on all addresses of its pod, says who it is, and ends as it is told.
APP = """
import http.server, json, os, pathlib, signal, sys, threading
state = {"ready": True, "alive": True}
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.path == "/crash":
            os._exit(3)
        if self.path == "/unready":
            state["ready"] = False
        if self.path == "/stuck":
            state["alive"] = False
        body = {"pod": os.environ.get("HOSTNAME"), "cloud": os.environ.get("CLOUD"), "uid": os.getuid(),
                "greeting": os.environ.get("GREETING"), "profile": read(os.environ.get("PROFILE")),
                "tmp": writable("/tmp/x"), "root": writable("/x")}
        data = json.dumps(body).encode()
        ill = (self.path == "/readyz" and not state["ready"]) or (self.path == "/healthz" and not state["alive"])
        self.send_response(503 if ill else 200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    def log_message(self, *arguments):
        pass
def read(path):
    return pathlib.Path(path).read_text() if path else ""
def writable(path):
    try:
        pathlib.Path(path).write_text("x")
    except OSError:
        return False
    return True
def end(*_):
    print("told to end", flush=True)
    os._exit(0)
signal.signal(signal.SIGTERM, end)
server = http.server.ThreadingHTTPServer((os.environ["BIND"], 8080), Handler)
print("listening on", os.environ["BIND"], flush=True)
server.serve_forever()
"""
DOCKERFILE = """\
FROM {base}
ENV BIND=0.0.0.0
COPY app.py /app.py
USER 10001:10001
CMD ["python3", "/app.py"]
"""


@dataclass(slots=True)
class Lab:
    """A lab that may run: mcci's commands on it, and kubectl and helm in its clusters."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def mcci(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run `mcci lab …`."""
        done = subprocess.run(
            [sys.executable, "-m", "mcci", "lab", *arguments], env=self.environment, capture_output=True, text=True,
            cwd=self.folder, timeout=120,
        )  # fmt: skip
        assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
        return done

    def up(self, *arguments: str) -> dict[str, Any]:
        """Start it, and return what it says."""
        body: dict[str, Any] = json.loads(self.mcci("up", "--format", "json", *arguments).stdout)
        return body

    def run(self, cluster: str, *arguments: str) -> str:
        """Run a client in a cluster."""
        kubeconfig = self.folder / "state/clusters" / cluster / "kubeconfig"
        environment = {**self.environment, "KUBECONFIG": str(kubeconfig)}
        done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    @contextlib.contextmanager
    def follow(self, cluster: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Run a client that goes on until it is ended."""
        kubeconfig = self.folder / "state/clusters" / cluster / "kubeconfig"
        environment = {**self.environment, "KUBECONFIG": str(kubeconfig)}
        with subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield process
            finally:
                process.kill()

    @property
    def state(self) -> dict[str, Any]:
        """What the supervisor says of itself."""
        body: dict[str, Any] = json.loads((self.folder / "state/lab.json").read_text())
        return body


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Return a lab that is not up yet; what it runs is ended."""
    with making(tmp_path) as found:
        yield found


@contextlib.contextmanager
def making(folder: Path) -> Iterator[Lab]:
    """Give a lab that is not up yet, with its state below `folder`; what it runs is ended."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MCCI", "KUBECONFIG"))}
    try:
        clients = kubectl().parent
    except HelmMissingError as error:
        pytest.skip(str(error))
    path = f"{clients}{os.pathsep}{kept['PATH']}"
    environment = {**kept, "PATH": path, "MCCI_LAB_STATE": str(folder / "state"), "PYTHONPATH": str(ROOT)}
    found = Lab(folder, environment)
    try:
        yield found
    finally:
        with contextlib.suppress(subprocess.TimeoutExpired):
            found.mcci("down", "--delete")


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run dockerd."""
    with engines.dockerd(tmp_path_factory.mktemp("engine")) as address:
        yield address


@pytest.fixture(scope="session")
def base(engine: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Import a base image into the engine; return its name."""
    folder = tmp_path_factory.mktemp("base")
    base_image.write(folder / "base.tar")
    changes = [f"--change=ENV {key}={value}" for key, value in base_image.environment().items()]
    docker(engine, "import", *changes, str(folder / "base.tar"), "base:1")
    (folder / "base.tar").unlink()
    return "base:1"


def docker(engine: str, *arguments: str) -> str:
    """Run the engine's own client."""
    environment = {"DOCKER_HOST": engine, "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    done = subprocess.run(["/usr/bin/docker", *arguments], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def web(engine: str, base: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Build the service's image, push it, and forget it, so that who wants it must pull it; return its name."""
    folder = tmp_path_factory.mktemp("web")
    (folder / "Dockerfile").write_text(DOCKERFILE.format(base=base))
    (folder / "app.py").write_text(APP)
    with servers.running(tmp_path_factory.mktemp("registry")) as registry:
        name = f"{registry.host}/shop/web:1"
        docker(engine, "build", "-q", "--network", "none", "-t", name, str(folder))
        docker(engine, "push", "-q", name)
        digest = docker(engine, "image", "inspect", "--format", "{{index .RepoDigests 0}}", name).strip()
        docker(engine, "image", "rm", "--force", name, digest)
        yield digest


@pytest.fixture(scope="session")
def site(web: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Start a lab with every part, and deploy a service to it."""
    with making(tmp_path_factory.mktemp("lab")) as lab:
        lab.environment.pop("DOCKER_HOST", None)
        yield Site(lab, web)
