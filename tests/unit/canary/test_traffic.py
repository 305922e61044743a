"""Weights are read from a VirtualService and written into it, and nothing else of it changes."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcci.canary import traffic
from tests.unit.canary.objects import V1, V2, V3, destination, virtual_service

FOREIGN: list[dict[str, Any]] = [
    {"match": [{"uri": {"prefix": "/old"}}], "redirect": {"uri": "/new"}},
    {"route": [destination("blue", 30), destination("green", 70)]},
    {"route": [destination(V1, 50, host="other.vehicles.svc.cluster.local"), destination(V2, 50, host="x.y")]},
    {"route": [destination(V1)]},
    {"name": "unset", "route": None},
]


@pytest.mark.parametrize("host", ["staff-service", "staff-service.vehicles", "staff-service.vehicles.svc.acme.local"])
def test_reads_by_every_name_of_the_host(host: str) -> None:
    """A destination's host may be written short or long."""
    found = virtual_service({V1: 90, V2: 10})
    for each in found["spec"]["http"][0]["route"]:
        each["destination"]["host"] = host
    assert traffic.weights(found, "staff-service") == {V1: 90, V2: 10}


def test_tcp_routes_are_weighted_too() -> None:
    """A service that speaks no HTTP has its weights in `tcp`, and both kinds are moved together."""
    found = virtual_service({V1: 90, V2: 10}, tcp=True)
    found["spec"]["http"] = virtual_service({V1: 90, V2: 10})["spec"]["http"]
    result = traffic.moved(found, "staff-service", {V1: 50, V2: 50})
    assert [route.weights for route in traffic.routes(result, "staff-service")] == [{V1: 50, V2: 50}] * 2


def test_a_left_out_weight_is_zero() -> None:
    """Go clients drop a weight of zero when they write the object back."""
    found = virtual_service({V1: 100, V2: 0})
    del found["spec"]["http"][0]["route"][1]["weight"]
    assert traffic.weights(found, "staff-service") == {V1: 100, V2: 0}


@given(st.permutations(range(len(FOREIGN))), st.integers(0, 100), st.integers(0, 100))
def test_foreign_routes_stay_as_they_are(order: list[int], before: int, after: int) -> None:
    """Whatever else stands in the object, and wherever, only our weights differ afterwards, and they sum to 100."""
    extra = [FOREIGN[number] for number in order]
    found = virtual_service({V1: 100 - before, V2: before}, testers=V2, extra=extra)
    kept = deepcopy(found)
    result = traffic.moved(found, "staff-service", {V1: 100 - after, V2: after})
    assert found == kept
    assert traffic.weights(result, "staff-service") == {V1: 100 - after, V2: after}
    assert traffic.moved(result, "staff-service", {V1: 100 - before, V2: before}) == found


def test_testers_are_found_and_left() -> None:
    """The header's route is read, and keeps its subset when the weights move."""
    found = virtual_service({V1: 100, V2: 0}, testers=V2)
    expected = traffic.Testers(header="x-canary", value="always", subset=V2)
    assert traffic.testers(found, "staff-service") == expected
    assert traffic.testers(traffic.moved(found, "staff-service", {V1: 0, V2: 100}), "staff-service") == expected
    assert traffic.testers(virtual_service({V1: 100}), "staff-service") is None


def test_a_subset_that_stands_twice_gets_its_weight_once() -> None:
    """Two destinations of one version share its weight, so the sum stays 100."""
    found = virtual_service({V1: 90, V2: 10})
    found["spec"]["http"][0]["route"].append(destination(V2, 0))
    assert traffic.weights(traffic.moved(found, "staff-service", {V1: 40, V2: 60}), "staff-service") == {V1: 40, V2: 60}


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({V1: 90, V2: 11}, "sum to 101, not to 100"),
        ({V1: 101, V2: -1}, "a whole number from 0 to 100"),
        ({V1: 99.5, V2: 0.5}, "a whole number from 0 to 100"),
        ({V1: True, V2: 99}, "a whole number from 0 to 100"),
        ({}, "sum to 0"),
    ],
)
def test_refuses_weights_that_are_none(target: Any, message: str) -> None:
    """Nothing but whole percents that sum to 100 is ever written."""
    with pytest.raises(traffic.TrafficError, match=message):
        traffic.moved(virtual_service({V1: 100, V2: 0}), "staff-service", target)


def test_refuses_an_unknown_subset() -> None:
    """A version that no route knows gets no traffic, and the error names those it knows."""
    with pytest.raises(traffic.UnknownSubset, match=rf"knows no version {V3} of staff-service, only {V1}, {V2}"):
        traffic.moved(virtual_service({V1: 100, V2: 0}), "staff-service", {V1: 90, V3: 10})


def test_refuses_routes_that_do_not_agree() -> None:
    """When somebody changed one of the routes, their weights are not taken for the service's."""
    found = virtual_service({V1: 90, V2: 10}, extra=virtual_service({V1: 80, V2: 20})["spec"]["http"])
    with pytest.raises(traffic.WeightsDiffer, match=r"http\[0\] primary has .* 90, .* 10, http\[1\] primary has"):
        traffic.weights(found, "staff-service")


def test_refuses_a_route_that_does_not_sum_to_100() -> None:
    """A broken route is named, whoever wrote it."""
    with pytest.raises(traffic.TrafficError, match=r"http\[0\] primary: the weights .* sum to 80"):
        traffic.weights(virtual_service({V1: 70, V2: 10}), "staff-service")


@pytest.mark.parametrize("spec", [{}, {"http": None}, {"http": []}, {"http": [FOREIGN[0]]}, None])
def test_refuses_an_object_without_our_routes(spec: Any) -> None:
    """There is nothing to move where no route has versions and weights."""
    found = {**virtual_service({V1: 100}), "spec": spec}
    for call in (
        lambda: traffic.weights(found, "staff-service"),
        lambda: traffic.moved(found, "staff-service", {V1: 100}),
    ):
        with pytest.raises(traffic.TrafficError, match="no route with versions of staff-service"):
            call()
