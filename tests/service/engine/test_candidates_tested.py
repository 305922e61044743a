"""`mcci test` runs what was built, and leaves a report and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

from tests.service.engine.project import APP, DOCKERFILE

if TYPE_CHECKING:
    from tests.service.engine.project import Project

ASK = """
import os, sys, urllib.request
print(urllib.request.urlopen(os.environ["SERVICE_URL"] + sys.argv[1]).read().decode())
"""


def prepare(project: Project, *tests: str, health: str = "", app: str = APP) -> None:
    """Build the service with these tests."""
    project.service("web", app=app)
    (project.root / "web/ask.py").write_text(ASK)
    own = f"tests: [{', '.join(tests)}]" + (f", health: {{{health}}}" if health else "")
    project.configure({"web": own})
    project.commit()
    done = project.mcci("build", "web")
    assert done.returncode == 0, done.stderr


def report(project: Project) -> ElementTree.Element:
    """Return the suite in the report."""
    suite = ElementTree.parse(project.root / "reports/web.xml").getroot().find("testsuite")
    assert suite is not None
    return suite


def containers(project: Project) -> str:
    """Return the containers of this project's image that exist, running or not."""
    return project.docker("ps", "-aq", "--filter", f"ancestor={project.candidate()}")


def test_tests_that_pass(project: Project) -> None:
    """The declared tests reach the service by SERVICE_URL, in its folder; each is a case with its output."""
    prepare(project, "python3 ask.py /hello", "test -f ask.py")
    done = project.mcci("test", "web")
    assert done.returncode == 0, done.stderr
    suite = report(project)
    names = [case.get("name") for case in suite]
    assert names == ["starts and answers /readyz", "python3 ask.py /hello", "test -f ask.py"]
    assert suite.findtext("testcase[2]/system-out") == "hello"
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "0", "0")
    assert containers(project) == ""


def test_tests_that_fail(project: Project) -> None:
    """A failed test is exit code 1 and a failure in the report; the other tests run all the same."""
    prepare(project, "python3 ask.py /none", "python3 ask.py /hello", "exit 5")
    done = project.mcci("test", "web")
    assert done.returncode == 1
    suite = report(project)
    assert (suite.get("tests"), suite.get("failures")) == ("4", "2")
    failure = suite.find("testcase[4]/failure")
    assert failure is not None
    assert failure.get("message") == "exit code 5"
    assert "404" in (suite.findtext("testcase[2]/failure") or "")
    assert containers(project) == ""


def test_a_test_that_hangs(project: Project) -> None:
    """A test that takes too long is ended, with what it started, and is a failure."""
    prepare(project, "sleep 61 & sleep 61", "python3 ask.py /hello")
    done = project.mcci("test", "web", "--timeout", "1")
    assert done.returncode == 1, done.stderr
    failure = report(project).find("testcase[2]/failure")
    assert failure is not None
    assert failure.get("message") == "it took more than 1 s"


def test_a_service_that_ends(project: Project) -> None:
    """A service that ends at its start is told with its exit code and its log, which is in the report too."""
    prepare(project, "exit 0", app="import sys; sys.exit('no database')")
    done = project.mcci("test", "web")
    assert done.returncode == 1
    assert "it ended with 1 before it was ready" in done.stderr
    assert "no database" in done.stderr
    assert report(project).findtext("testcase/failure") == "no database\n"
    assert len(report(project)) == 1
    assert containers(project) == ""


def test_a_service_that_is_never_ready(project: Project) -> None:
    """A service whose health endpoint never answers 2xx fails after its time, with what it answered."""
    prepare(project, "exit 0", health="ready: /nothing, timeout: 3s")
    done = project.mcci("test", "web")
    assert done.returncode == 1
    assert "it was not ready within 3 s: /nothing answered HTTP 404" in done.stderr
    assert containers(project) == ""


def test_another_process_on_the_port(project: Project) -> None:
    """Where something else listens on the service's port already, mcci does not test that instead."""
    import http.server
    import threading

    prepare(project, "exit 0")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", project.ports["web"]), http.server.BaseHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        done = project.mcci("test", "web")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert done.returncode == 2, done.stderr
    assert f"port {project.ports['web']}" in done.stderr


def test_an_address_of_its_own(project: Project) -> None:
    """A candidate that is told where to listen is tested there, whatever listens on its port of this machine."""
    import http.server
    import threading

    port = project.ports["web"]
    project.service("web", f"{DOCKERFILE}ENV BIND=0.0.0.0\n", APP.replace('"127.0.0.1"', 'os.environ["BIND"]'))
    (project.root / "web/ask.py").write_text(ASK)
    project.configure({"web": "tests: [python3 ask.py /hello]"})
    project.commit()
    assert project.mcci("build", "web").returncode == 0
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), http.server.BaseHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        done = project.mcci("test", "web")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert done.returncode == 0, done.stderr
    assert report(project).findtext("testcase[2]/system-out") == "hello"


def test_terminated_while_testing(project: Project) -> None:
    """SIGTERM in the middle of a test ends the test and removes the container."""
    prepare(project, "echo in-the-middle && sleep 62")
    code, log = project.terminated("\nin-the-middle", "test", "web")
    assert code == 143, log
    assert containers(project) == ""
    assert report(project).get("tests") == "1"


def test_an_image_that_is_gone(project: Project) -> None:
    """An image that was removed between build and test is an error that names it."""
    prepare(project, "exit 0")
    image = project.candidate()
    project.docker("rmi", "-f", f"{image.name}:{project.git('rev-parse', 'HEAD').strip()}")
    with project.registry(project.candidates) as registry:
        path = f"/v2/{image.repository}/manifests/{image.digest}"
        assert (
            registry.http.request("DELETE", path, f"repository:{image.repository}:delete", what="x").status_code == 202
        )
    done = project.mcci("test", "web")
    assert done.returncode == 1, done.stderr
    assert image.digest in done.stderr
    assert report(project).get("errors") == "1"


def test_no_candidate(project: Project) -> None:
    """Without the build job's artifact the message says where it comes from."""
    done = project.mcci("test", "web")
    assert done.returncode == 2
    assert "mcci build web" in done.stderr
