"""An engine with a network of its own, as docker-in-docker and a runner's engine have: ports are published."""

from __future__ import annotations

import http.server
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit
from xml.etree import ElementTree

from tests.service.engine import engines
from tests.service.engine.project import APP, DOCKERFILE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.service.engine.project import Project

ASK = """
import os, urllib.request
print(os.environ["SERVICE_URL"], urllib.request.urlopen(os.environ["SERVICE_URL"] + "/hello").read().decode())
"""


@contextmanager
def taken(port: int) -> Iterator[None]:
    """Listen on a port of this machine, as another service might."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), http.server.BaseHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def url_tested(project: Project) -> SplitResult:
    """Test the candidate, which must pass and leave no container; return the URL that it was tested at."""
    tested = project.mcci("test", "web")
    assert tested.returncode == 0, tested.stderr + tested.stdout
    assert project.docker("ps", "-aq") == ""
    suite = ElementTree.parse(project.root / "reports/web.xml").getroot()
    url, answer = str(suite.findtext("testsuite/testcase[2]/system-out")).split()
    assert answer == "hello"
    return urlsplit(url)


def test_bridged(project: Project, tmp_path: Path) -> None:
    """The candidate answers on a port that the engine chose, or, where that leads nowhere, on its own address.

    What listens on the service's port on this machine is not in its way, and not tested in its place.
    """
    project.service("web", DOCKERFILE + "RUN ls /app > /made\n", APP.replace('"127.0.0.1"', '"0.0.0.0"'))
    (project.root / "web/ask.py").write_text(ASK)
    project.configure({"web": "tests: [python3 ask.py]"})
    project.commit()
    port = project.ports["web"]
    with engines.bridge() as bridge, taken(port):
        options = [f"--bridge={bridge}"]
        with engines.dockerd(tmp_path / "one", tmp_path / "data", options=options) as engine:
            project.environment["DOCKER_HOST"] = engine
            built = project.mcci("build", "web")
            assert built.returncode == 0, built.stderr
            published = url_tested(project)
        with engines.dockerd(
            tmp_path / "two", tmp_path / "data", options=[*options, "--userland-proxy=false"]
        ) as engine:
            project.environment["DOCKER_HOST"] = engine
            direct = url_tested(project)
    assert published.hostname == "127.0.0.1"
    assert published.port != port
    assert str(direct.hostname).startswith("10.251.")
    assert direct.port == port
