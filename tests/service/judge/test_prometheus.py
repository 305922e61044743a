"""The judge and its client against a real Prometheus."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import isnan
from typing import TYPE_CHECKING

import pytest

from mcci.canary.judge import Evidence, State, Target, Verdict, judge, observe
from mcci.clients.prometheus import BadQuery, MetricsFailed, Prometheus, Series, open_all
from mcci.config.canary import Analysis
from tests.service.judge.servers import SCRAPE, exporting, prometheus, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TARGET = Target(service="staff", namespace="shop", canary="v2", stable="v1", weight=50)
PAST = 600  # seconds of recorded history
EVERY = 10
ANALYSIS = Analysis()


def recorded(now: int) -> str:
    """Ten minutes in OpenMetrics: the canary's pod restarts after five, all scrapes of two minutes are missing.

    Stable fails 1 % of 10 requests/s, the canary 4 % of 10 requests/s; the canary's first error comes after a minute.
    """
    lines = ["# TYPE istio_requests counter"]
    totals = {("v1", "200"): 0, ("v1", "503"): 0, ("v2", "200"): 0, ("v2", "503"): 0}
    rows: dict[tuple[str, str], list[str]] = {key: [] for key in totals}
    for second in range(0, PAST + 1, EVERY):
        if second == 300:
            totals |= {("v2", "200"): 0, ("v2", "503"): 0}
        for (version, code), value in totals.items():
            labels = (
                f'reporter="source",instance="a",destination_service_name="staff",response_code="{code}",'
                f'destination_service_namespace="shop",destination_version="{version}"'
            )
            if not 400 < second <= 520 and (code == "200" or value):
                rows[version, code].append(f"istio_requests_total{{{labels}}} {value} {now - PAST + second}")
        errors = {"v1": 1, "v2": 4 if second >= 60 else 0}
        for version, failed in errors.items():
            totals[version, "503"] += failed
            totals[version, "200"] += 100 - failed
    return "\n".join([*lines, *(row for own in rows.values() for row in own), "# EOF", ""])


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """A Prometheus with ten minutes of history, and when they ended."""
    now = int(time.time())
    with prometheus(tmp_path_factory.mktemp("past"), openmetrics=recorded(now)) as url:
        yield url, now


def observed(url: str, start: float, now: float, state: State | None = None) -> Evidence:
    return observe(open_all({"prod": url}, {}), TARGET, state or State.start(at=start), ANALYSIS, now=now)


def test_a_reset_and_a_gap_lose_only_what_nobody_saw(past: tuple[str, int]) -> None:
    """Over ten minutes all requests count but the ones before the restart, although two minutes were not scraped."""
    url, now = past
    evidence = observed(url, now - PAST, now)
    canary = sum(look.canary.requests for look in evidence.looks)
    stable = sum(look.stable.requests for look in evidence.looks)
    assert (canary, stable) == (5900, 6000)
    assert sum(look.canary.errors for look in evidence.looks) == 4 * 54 - 4
    assert max(look.end - look.start for look in evidence.looks) == 130
    assert evidence.problems == ()


def test_a_worse_canary_fails_and_the_next_judgement_goes_on(past: tuple[str, int]) -> None:
    """Judged every minute as by one job after the other, the canary with 4 % of errors against 1 % fails."""
    url, now = past
    state, verdicts = State.start(at=now - PAST), []
    for minute in range(1, 10):
        evidence = observed(url, 0, now - PAST + 60 * minute, state)
        judgement = judge(state, evidence, ANALYSIS)
        state = State.from_json(judgement.state.to_json())
        verdicts.append(judgement.verdict)
    assert verdicts[0] is Verdict.PASS
    assert Verdict.FAIL in verdicts


def test_history_that_ended_is_stale(past: tuple[str, int]) -> None:
    """Five minutes after the last sample nothing passes, and the problem says how old it is."""
    url, now = past
    evidence = observed(url, now + 100, now + 300)
    assert evidence.problems == ("prod: the newest sample in its Prometheus is 300 s old",)
    assert judge(State.start(at=now + 100), evidence, ANALYSIS).verdict is Verdict.INCONCLUSIVE


def test_queries_have_one_number_or_say_why_not(past: tuple[str, int]) -> None:
    """Scalars, vectors of one, NaN and nothing are told apart; many series and bad PromQL are refused."""
    url, now = past
    client = Prometheus(url=url)
    assert client.number("sum(istio_requests_total{destination_version='v1'}) / 60", at=now) == 100
    assert client.number("42", at=now) == 42
    assert client.number("nothing_here", at=now) is None
    nan = client.number("vector(0) / 0", at=now)
    assert nan is not None
    assert isnan(nan)
    with pytest.raises(BadQuery, match=r"gives 4 series, not one number: wrap it in sum"):
        client.number("istio_requests_total", at=now)
    with pytest.raises(BadQuery, match=r"does not take it: .*parse error"):
        client.number("sum(", at=now)
    with pytest.raises(BadQuery, match="gives a matrix"):
        client.number("istio_requests_total[5m]", at=now)


def test_samples_of_hours_come_in_windows_without_a_double(past: tuple[str, int]) -> None:
    """Samples of more than one request are joined: each once, in order, with the time of its scrape."""
    url, now = past
    selector = "istio_requests_total{destination_version='v1',response_code='200'}"
    (series,) = Prometheus(url=url).samples(selector, start=now - 2000 + 0.0, end=float(now))
    times = [at - now + PAST for at, _ in series.samples]
    assert times == [float(second) for second in range(0, PAST + 1, EVERY) if not 400 < second <= 520]


def test_a_live_target_that_restarts_and_goes(tmp_path: Path) -> None:
    """Live counters are read with their scrapes' times; a restart is a reset, and a target that is down is stale."""
    with exporting() as exporter, prometheus(tmp_path, exporter.address) as url:
        client = Prometheus(url=url)

        def values(code: str) -> list[float]:
            found = client.samples(f'istio_requests_total{{response_code="{code}"}}', start=0, end=time.time())
            return sorted({value for one in found for _, value in one.samples})

        exporter.count(v1=(10, 0))
        wait_for(lambda: _has(client, 10.0))
        exporter.count(v1=(20, 1))
        wait_for(lambda: _has(client, 20.0))
        exporter.count(v1=(5, 0))
        wait_for(lambda: _has(client, 5.0))
        (good,) = _series(client, "200")
        gaps = [later - earlier for (earlier, _), (later, _) in zip(good.samples, good.samples[1:], strict=False)]
        assert SCRAPE * 0.5 < sorted(gaps)[len(gaps) // 2] < SCRAPE * 2
        assert list(dict.fromkeys(value for _, value in good.samples)) == [10.0, 20.0, 5.0]
        exporter.down = True
        wait_for(lambda: client.number("istio_requests_total", at=time.time()) is None)


def _series(client: Prometheus, code: str) -> tuple[Series, ...]:
    now = time.time()
    return client.samples(f'istio_requests_total{{response_code="{code}"}}', start=now - 60, end=now)


def _has(client: Prometheus, value: float) -> bool:
    return any(sample == value for one in _series(client, "200") for _, sample in one.samples)


@contextmanager
def answering(status: int, body: bytes) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A server that answers everything alike, and the headers that it was sent."""
    heard: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append({name.lower(): value for name, value in self.headers.items()})
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", heard
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, b"<html>", "is not Prometheus' API: check the URL"),
        (200, b'{"status":"success","data":7}', "is not Prometheus' API: check the URL"),
        (401, b"", r"refuses the credentials \(HTTP 401\). Set PROMETHEUS_TOKEN"),
        (503, b"", "fails with HTTP 503"),
        (422, b'{"status":"error","errorType":"execution","error":"too many samples"}', "execution: too many samples"),
    ],
)
def test_what_is_not_prometheus_is_said(status: int, body: bytes, said: str) -> None:
    """A web page, refused credentials and failures of Prometheus end in errors that say what to do."""
    with answering(status, body) as (url, _), pytest.raises(MetricsFailed, match=said):
        Prometheus(url=url).number("up", at=0)


def test_nobody_answering_is_said_without_the_password() -> None:
    """A port where nobody listens is an error with the address, and without the user and password in the URL."""
    with answering(200, b"") as (url, _):
        gone = url
    with pytest.raises(MetricsFailed, match=r"does not answer: .*refused") as refused:
        Prometheus(url=gone.replace("//", "//user:secret@")).number("up", at=0)
    assert "secret" not in str(refused.value)


def test_credentials_come_from_the_environment_and_are_sent() -> None:
    """A cluster's own token goes before the common user and password, and neither is shown."""
    body = b'{"status":"success","data":{"resultType":"vector","result":[]}}'
    environment = {
        "PROMETHEUS_TOKEN_PROD_AWS": "own-token",
        "PROMETHEUS_USER": "judge",
        "PROMETHEUS_PASSWORD": "secret",
    }
    with answering(200, body) as (url, heard):
        opened = open_all({"prod-aws": url, "prod-azure": url, "none": ""}, environment)
        assert list(opened) == ["prod-aws", "prod-azure"]
        assert [opened[name].number("up", at=0) for name in opened] == [None, None]
    assert [each["authorization"] for each in heard] == ["Bearer own-token", "Basic anVkZ2U6c2VjcmV0"]
    assert "own-token" not in repr(opened)
    assert "secret" not in repr(opened)
