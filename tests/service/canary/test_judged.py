"""The commands with a Prometheus, webhooks and an Envoy that answer as they are told."""

from __future__ import annotations

import json
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mcci.canary.state import Phase
from tests.service.canary.project import Project, project
from tests.unit.canary.objects import V1, V2
from tests.unit.canary.world import SERVICE

NAMES = ("prod-aws",)
NOTHING: tuple[int, Any] = (200, {"status": "success", "data": {"resultType": "matrix", "result": []}})
Answer = Callable[[str, str], tuple[int, Any]]  # path and body of a request → status and JSON


@contextmanager
def server(answer: Answer) -> Iterator[str]:
    """An HTTP server that answers with JSON; gives its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            status, found = answer(self.path, body)
            data = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST  # noqa: N815 - the library's name

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}"
        finally:
            http.shutdown()
            thread.join()


def vector(*values: str) -> tuple[int, Any]:
    """A Prometheus' instant vector."""
    result = [{"metric": {"pod": str(number)}, "value": [0, value]} for number, value in enumerate(values)]
    return 200, {"status": "success", "data": {"resultType": "vector", "result": result}}


@contextmanager
def judged(folder: Path, url: str, more: str = "") -> Iterator[Project]:
    """A project whose cluster has a Prometheus at `url`; its canary has a tenth of the traffic."""
    with project(folder, NAMES, more=more) as found:
        found.deploy()
        assert found.run("step", SERVICE, "--to", "10")[0] == 0
        config = found.folder / "mcci.yml"
        config.write_text(config.read_text().replace("cloud: aws", f'cloud: aws, prometheus: "{url}"'))
        yield found


@pytest.mark.parametrize(
    ("values", "message"),
    [((), "gives no series"), (("0", "1"), "it gives 2 series, not one number"), (("NaN",), "NaN")],
)
def test_a_query_without_one_number(tmp_path: Path, values: tuple[str, ...], message: str) -> None:
    """A query of the user's with no number, many or NaN is never a pass: held, exit code 5, traffic untouched."""

    def answer(path: str, body: str) -> tuple[int, Any]:
        query = urllib.parse.parse_qs(body)["query"][0]
        return vector(*values) if query == "own" else NOTHING

    with server(answer) as url, judged(tmp_path, url) as found:
        config = found.folder / "mcci.yml"
        config.write_text(config.read_text().replace("bake: 0s", "bake: 0s, analysis: {queries: {own: own}}"))
        code, said = found.run("step", SERVICE, "--to", "25")
        assert (code, found.share()) == (5, [10]), said
        assert message in said
        assert "inconclusive" in said


def test_a_prometheus_that_is_down(tmp_path: Path) -> None:
    """No answer is no evidence: held, with the address that does not answer."""
    told: list[str] = []

    def answer(path: str, body: str) -> tuple[int, Any]:
        told.append(body)
        return 200, {}

    more = "notifications: {team: {url: HOOK, on: [hold], text: $service holds}}\n"
    with server(answer) as url, judged(tmp_path, "http://127.0.0.1:1", more) as found:
        code, said = found.run("step", SERVICE, "--to", "25", HOOK=url)
        assert (code, found.share()) == (5, [10])
        assert "Prometheus at http://127.0.0.1:1 does not answer" in said
        assert [json.loads(each) for each in told] == [{"text": f"{SERVICE} holds"}]
        assert (found.folder / "canary" / f"{SERVICE}.svg").exists()


def test_a_canary_that_breaks_a_limit_goes_back_and_people_are_told(tmp_path: Path) -> None:
    """A query above 0 fails the canary: traffic goes back, code 4, reports say why, and webhooks are told."""
    told: list[str] = []

    def answer(path: str, body: str) -> tuple[int, Any]:
        if path == "/secret-hook":
            told.append(body)
            return 200, {}
        query = urllib.parse.parse_qs(body)["query"][0]
        return (
            vector("7")
            if query == "own"
            else (200, {"status": "success", "data": {"resultType": "matrix", "result": []}})
        )

    more = "notifications: {slack: {url: SLACK_HOOK, on: [fail]}, broken: {url: BROKEN_HOOK}}\n"
    with server(answer) as url, judged(tmp_path, url, more) as found:
        config = found.folder / "mcci.yml"
        config.write_text(config.read_text().replace("bake: 0s", "bake: 0s, analysis: {queries: {own: own}}"))
        hooks = {"SLACK_HOOK": f"{url}/secret-hook", "BROKEN_HOOK": "http://127.0.0.1:1/s3cr3t"}
        code, said = found.run("step", SERVICE, "--to", "25", **hooks)
        assert (code, found.share(), found.state().phase) == (4, [0], Phase.ABORTED), said
        assert "the webhook 'broken' did not take its message" in said
        assert "s3cr3t" not in said
        assert "secret-hook" not in said
        assert json.loads(told[0])["text"].startswith(f":rotating_light: {SERVICE} in production: fail")
        report = (found.folder / "canary" / f"{SERVICE}.xml").read_text()
        assert 'failures="1"' in report
        assert "fail: " in report
        links = (found.folder / "canary" / f"{SERVICE}-annotations.json").read_text()
        assert f"requests in {NAMES[0]}" in links


def test_waits_for_proxies(tmp_path: Path) -> None:
    """A step ends when the Envoy that mcci.yml names routes by the new weights, and says how long that took."""
    asked: list[str] = []

    def answer(path: str, body: str) -> tuple[int, Any]:
        asked.append(path)
        weight = 10 if len(asked) > 2 else 0
        name = "outbound|80|{}|staff-service.vehicles.svc.cluster.local".format
        clusters = [{"name": name(V1), "weight": 100 - weight}, {"name": name(V2), "weight": weight}]
        return 200, {"configs": [{"route": {"weighted_clusters": {"clusters": clusters}}}]}

    with server(answer) as url, project(tmp_path, NAMES) as found:
        found.deploy()
        config = found.folder / "mcci.yml"
        config.write_text(config.read_text().replace("cloud: aws", f'cloud: aws, proxies: ["{url}"]'))
        code, said = found.run("step", SERVICE, "--to", "10")
        assert (code, asked) == (0, ["/config_dump"] * 3), said
        assert f"the proxy at {url} has the weights after" in said


@pytest.mark.parametrize(("errors", "code", "verdict"), [(10, 0, "pass"), (90, 4, "fail")])
def test_judges_a_recording(tmp_path: Path, errors: int, code: int, verdict: str) -> None:
    """Recorded looks are judged without any cluster, and the last verdict is the exit code."""
    look = {"canary": {"requests": 1000, "errors": errors}, "stable": {"requests": 9000, "errors": 90}}
    looks = [look] * 10
    (tmp_path / "recording.json").write_text(json.dumps({"schema": "mcci.series/1", "looks": looks}))
    found = Project(folder=tmp_path, clusters={}, config=())
    ended, said = found.run("judge", "--from", "recording.json")
    assert (ended, f"look 10: {verdict}" in said) == (code, True), said
    ended, said = found.run("judge", "--from", "recording.json", "--format", "json")
    assert json.loads(said)["judgements"][-1]["verdict"] == verdict
    ended, said = found.run("judge", "--from", "nothing.json")
    assert (ended, "nothing.json" in said) == (2, True)
