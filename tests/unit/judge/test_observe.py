"""What is read of the clusters' Prometheuses, and what becomes of their faults."""

from __future__ import annotations

from dataclasses import replace
from math import inf, nan

import pytest

from mcci.canary.judge import Evidence, State, Target, Verdict, judge, observe
from mcci.canary.judge.istio import failed, selectors
from mcci.clients.prometheus import BadQuery, Series
from mcci.config.canary import Analysis
from tests.unit.judge.parts import DOWN, Memory, series

TARGET = Target(service="staff", namespace="shop", canary="v2", stable="v1", weight=50)
ANALYSIS = Analysis()
REQUESTS, DURATIONS = "istio_requests_total", "istio_request_duration_milliseconds_bucket"


def growing(each: float) -> dict[float, float]:
    """Samples every 10 s from -100 to 100 of a counter that grows by `each` between two."""
    return {float(time): (time + 100) / 10 * each for time in range(-100, 101, 10)}


def requests(version: str, each: float, *, code: str = "200", **labels: str) -> Series:
    return series(REQUESTS, growing(each), destination_version=version, response_code=code, **labels)


def cluster(canary: float = 20, stable: float = 20, **labels: str) -> Memory:
    """A Prometheus with both versions, of which one request of ten fails on the canary."""
    return Memory(
        series=[
            requests("v2", canary * 0.9, **labels),
            requests("v2", canary * 0.1, code="503", **labels),
            requests("v1", stable, **labels),
        ]
    )


def seen(
    metrics: dict[str, Memory], *, now: float = 100, analysis: Analysis = ANALYSIS, state: State | None = None
) -> Evidence:
    return observe(dict(metrics), TARGET, state or State.start(at=0.0), analysis, now=now)


def totals(evidence: Evidence) -> dict[str, tuple[int, int, int, int]]:
    """Requests and errors of the canary, then of stable, by cluster."""
    found: dict[str, tuple[int, int, int, int]] = {}
    for look in evidence.looks:
        new = (look.canary.requests, look.canary.errors, look.stable.requests, look.stable.errors)
        old = found.get(look.cluster, (0, 0, 0, 0))
        found[look.cluster] = (old[0] + new[0], old[1] + new[1], old[2] + new[2], old[3] + new[3])
    return found


def test_requests_and_errors_are_counted_by_version_and_cluster() -> None:
    """Each cluster's Prometheus tells its own looks, of ten seconds each."""
    evidence = seen({"aws": cluster(), "azure": cluster(10, 30)})
    assert totals(evidence) == {"aws": (200, 20, 200, 0), "azure": (100, 10, 300, 0)}
    assert (evidence.problems, evidence.until) == ((), {"aws": 100.0, "azure": 100.0})


def test_the_next_observation_begins_where_the_last_one_ended() -> None:
    """Two observations have together what one has."""
    metrics = {"aws": cluster()}
    first = seen(metrics, now=47)
    state = judge(State.start(at=0.0), first, ANALYSIS).state
    second = seen(metrics, state=state)
    assert totals(first) == {"aws": (80, 8, 80, 0)}
    assert totals(second) == {"aws": (120, 12, 120, 0)}


def test_callers_are_believed_before_the_services() -> None:
    """Of the same requests reported twice only the callers' report counts, and the services' own shows their pods."""
    own = [
        requests("v1", 10, reporter="destination", pod="a"),
        requests("v1", 10, reporter="destination", pod="b"),
        requests("v2", 20, reporter="destination", pod="c"),
    ]
    evidence = seen({"aws": Memory(series=[*cluster().series, *own])})
    assert totals(evidence) == {"aws": (200, 20, 200, 0)}
    assert [pod.requests for pod in evidence.looks[0].pods] == [10, 10]


def test_the_first_observation_also_looks_back() -> None:
    """Before the first judgement the time before the canary is read, too; afterwards no more."""
    metrics = {"aws": cluster()}
    first = seen(metrics)
    assert [look.end for look in first.history] == [-90, -80, -70, -60, -50, -40, -30, -20, -10, 0]
    assert seen(metrics, state=judge(State.start(at=0.0), first, ANALYSIS).state).history == ()


def test_versions_in_two_clouds_are_looked_at_together() -> None:
    """Where each cluster knows one version only, the two are one look, once and not twice."""
    aws = Memory(series=[requests("v1", 30, reporter="destination", pod="a")])
    azure = Memory(series=[requests("v2", 10, reporter="destination", pod="b")])
    first = seen({"aws": aws, "azure": azure}, now=55)
    assert totals(first) == {"aws + azure": (50, 0, 150, 0)}
    state = judge(State.start(at=0.0), first, ANALYSIS).state
    assert totals(seen({"aws": aws, "azure": azure}, state=state)) == {"aws + azure": (50, 0, 150, 0)}


def test_one_prometheus_for_several_clusters_is_divided() -> None:
    """Series of a Prometheus that two clusters share count for the cluster that they name."""
    shared = Memory(series=[*cluster(source_cluster="aws").series, *cluster(10, 30, source_cluster="azure").series])
    assert totals(seen({"aws": shared, "azure": shared})) == {"aws": (200, 20, 200, 0), "azure": (100, 10, 300, 0)}


def test_durations_become_counts_of_the_slower_ones() -> None:
    """A histogram's cumulative buckets are turned into how many took longer than each bound."""
    buckets = [
        series(DURATIONS, growing(each), destination_version=version, le=bound, response_code="200")
        for version, rows in {"v2": {"100": 4, "250": 8, "+Inf": 10}, "v1": {"100": 9, "250": 9, "+Inf": 10}}.items()
        for bound, each in rows.items()
    ]
    look = seen({"aws": Memory(series=[*cluster().series, *buckets])}).looks[0]
    assert (look.canary.timed, look.canary.slower) == (10, {100.0: 6, 250.0: 2})
    assert (look.stable.timed, look.stable.slower) == (10, {100.0: 1, 250.0: 1})


def test_a_prometheus_that_is_down_holds() -> None:
    """One of two Prometheuses that does not answer is a problem that names the cluster; the other one still counts."""
    evidence = seen({"aws": cluster(), "azure": Memory(failure=DOWN)})
    assert evidence.problems == (f"azure: {DOWN}",)
    assert judge(State.start(at=0.0), replace(evidence, weight=None), ANALYSIS).verdict is not Verdict.PASS
    assert totals(evidence) == {"aws": (200, 20, 200, 0)}


def test_a_stale_prometheus_holds() -> None:
    """Samples that ended minutes ago are a problem, not requests that did not fail."""
    assert seen({"aws": cluster()}, now=400).problems == ("aws: the newest sample in its Prometheus is 300 s old",)


def test_no_series_hold() -> None:
    """A Prometheus that knows neither version says where to look."""
    (problem,) = seen({"aws": Memory()}).problems
    assert problem.startswith("Prometheus knows no requests to staff in shop of version v2 or v1: ")


def test_no_prometheus_holds() -> None:
    """Without any Prometheus there is a problem, too."""
    assert seen({}).problems == ("no cluster has a Prometheus: set 'prometheus' of one in the configuration",)


def test_samples_that_are_no_numbers_count_nothing() -> None:
    """NaN samples are as if they had not been scraped."""
    odd = requests("v2", 18)
    odd = Series(labels=odd.labels, samples=tuple((time, nan if time == 50 else value) for time, value in odd.samples))
    _, *rest = cluster().series
    assert totals(seen({"aws": Memory(series=[odd, *rest])})) == {"aws": (200, 20, 200, 0)}


def test_queries_are_asked_with_the_versions_names() -> None:
    """`$canary` and the other names are filled in, other dollars stay, and the clusters' largest answer counts."""
    text = 'carts{version="$canary",job=~"${service}$"} - carts{version="$stable",ns="$namespace"}'
    aws, azure = Memory(numbers=lambda _: -1.0), Memory(numbers=lambda _: 3.0)
    evidence = seen({"aws": aws, "azure": azure}, analysis=Analysis(queries={"carts": text}))
    assert evidence.answers == {"carts": 3.0}
    assert 'carts{version="v2",job=~"staff$"} - carts{version="v1",ns="shop"}' in aws.asked


def test_an_answer_in_one_cluster_is_enough() -> None:
    """A metric that only one cluster has is judged by that one; NaN counts only where there is no number."""
    metrics = {"aws": Memory(numbers=lambda _: None), "azure": Memory(numbers=lambda _: -2.0)}
    assert seen(metrics, analysis=Analysis(queries={"carts": "x"})).answers == {"carts": -2.0}
    metrics["aws"] = Memory(numbers=lambda _: nan)
    assert seen(metrics, analysis=Analysis(queries={"carts": "x"})).answers == {"carts": -2.0}


def many(_: str) -> float:
    raise BadQuery("it gives 3 series, not one number: wrap it in sum(…) or max(…).")


@pytest.mark.parametrize(
    ("memory", "said"),
    [
        (
            Memory(numbers=many),
            "aws: the query 'carts': it gives 3 series, not one number: wrap it in sum(…) or max(…).",
        ),
        (Memory(), "the query 'carts' gives no series in any cluster"),
    ],
)
def test_a_query_without_one_number_is_a_problem(memory: Memory, said: str) -> None:
    """Many series and none are problems that name the query, and no answers."""
    memory.series = cluster().series
    evidence = seen({"aws": memory}, analysis=Analysis(queries={"carts": "x"}))
    assert (evidence.problems, dict(evidence.answers)) == ((said,), {})


def test_a_query_that_is_infinite_fails() -> None:
    """An infinite number is above 0."""
    evidence = seen({"aws": Memory(numbers=lambda _: inf)}, analysis=Analysis(queries={"carts": "x"}))
    assert judge(State.start(at=0.0), evidence, ANALYSIS).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"response_code": "200"}, False),
        ({"response_code": "404"}, False),
        ({"response_code": "503"}, True),
        ({"response_code": "0"}, False),
        ({"response_code": "200", "request_protocol": "grpc", "grpc_response_status": "0"}, False),
        ({"response_code": "200", "request_protocol": "grpc", "grpc_response_status": "14"}, True),
        ({"response_code": "200", "request_protocol": "grpc", "grpc_response_status": "5"}, False),
        ({"response_code": "503", "request_protocol": "grpc"}, True),
        ({"__name__": "istio_tcp_connections_closed_total", "response_flags": "-"}, False),
        ({"__name__": "istio_tcp_connections_closed_total", "response_flags": "UF"}, True),
    ],
)
def test_which_requests_failed(labels: dict[str, str], expected: bool) -> None:
    """Server errors of HTTP and gRPC fail, and TCP connections with a flag; a client's mistakes do not."""
    assert failed(labels) is expected


def test_connections_count_where_there_is_no_http() -> None:
    """A TCP service is judged by its connections; where there is http, connections are left aside."""
    closed = [
        series("istio_tcp_connections_closed_total", growing(each), destination_version=version, response_flags=flags)
        for version, flags, each in (("v2", "-", 9), ("v2", "UF", 1), ("v1", "-", 10))
    ]
    assert totals(seen({"aws": Memory(series=closed)})) == {"aws": (100, 10, 100, 0)}
    assert totals(seen({"aws": Memory(series=[*closed, *cluster().series])})) == {"aws": (200, 20, 200, 0)}


def test_selectors_name_both_versions() -> None:
    """Both selectors hold the service, its namespace and both versions, quoted."""
    inner = 'destination_service_name="staff",destination_service_namespace="shop",destination_version=~"v2|v1"'
    assert selectors(TARGET) == (
        '{__name__=~"istio_requests_total|istio_tcp_connections_closed_total",' + inner + "}",
        f"istio_request_duration_milliseconds_bucket{{{inner}}}",
    )
