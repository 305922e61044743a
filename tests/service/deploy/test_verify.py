"""`mcci verify` asks the mesh's gateway, as a caller would, and runs the declared smoke tests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.service.deploy.project import Project


class Gateway(BaseHTTPRequestHandler):
    """Answers /readyz of fleet.example.com as it is told."""

    status = 200
    asked: list[tuple[str, str, str]]

    def do_GET(self) -> None:
        """Answer."""
        self.asked.append((self.headers["Host"], self.path, self.headers.get("x-canary", "")))
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def gateway(project: Project) -> Iterator[type[Gateway]]:
    """A gateway, named in mcci.yml; `web` is opened there, and has smoke tests."""
    handler = type("Told", (Gateway,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    opened = "{istio: {virtualService: {gateways: [mesh, edge], hosts: [fleet.example.com, web]}}}"
    path = project.root / "mcci.yml"
    text = path.read_text().replace("  web: {}\n", f"  web: {{canary: off, values: {opened}, smoke: [SMOKE]}}\n")
    text = text.replace("  stage: {clusters", '  stage: {url: "http://fleet.example.com", clusters')
    text = text.replace("clusters: {stage: {}", f'clusters: {{stage: {{gateway: "127.0.0.1:{server.server_port}"}}')
    path.write_text(text.replace("SMOKE", '"test $SERVICE_URL = http://fleet.example.com"'))
    try:
        yield handler
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_gateway_and_smoke(project: Project, gateway: type[Gateway]) -> None:
    """The gateway is asked at its address for the environment's host; smoke tests are told the URL; each can fail."""
    project.release("1")
    assert project.deploy().code == 0
    good = project.run("verify", "--environment", "stage", "--timeout", "5")
    assert good.code == 0, good.out
    assert gateway.asked == [("fleet.example.com", "/readyz", "")]
    assert "web: test $SERVICE_URL = http://fleet.example.com  passed" in good.out

    gateway.status = 503
    path = project.root / "mcci.yml"
    path.write_text(path.read_text().replace("= http://fleet.example.com", "= nothing; echo no luck; exit 3"))
    bad = project.run("verify", "--environment", "stage", "--timeout", "5")
    assert bad.code == 1
    assert "web: /readyz through the gateway  failed: HTTP 503" in bad.out
    assert "failed: exit code 3" in bad.out
    assert "no luck" in bad.out
