"""Which Helm releases a deploy touches, in which order, and with which weights."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcci.delivery.deploy.model import Upgrade
from mcci.delivery.deploy.plan import CanaryInProgress, plan
from mcci.errors import ExitCode
from tests.unit.deploy.situations import OLD, V1, V2, V3, beside, everything, image, seen, shared, words


def test_first_release() -> None:
    """A first release is one Helm release with everything, and gets all traffic."""
    result = plan(seen("1"))
    assert words(result) == [f"web all {V1} stable", f"web-traffic [{V1}] {V1}=100 testers="]
    assert (result.stable, result.canary) == (V1, "")


def test_first_release_where_only_canaries_run() -> None:
    """A cluster that runs only canaries, or none of the service, gets the service's name at a first release."""
    assert words(plan(seen("1", runs_stable=False, routes=False))) == ["web service"]
    assert words(plan(seen("1", runs_stable=False, runs_canary=False, routes=False))) == ["web service"]
    assert not plan(seen("1", runs_stable=False, runs_canary=False, routes=False, named=False)).steps


def test_new_version_beside_the_first_release() -> None:
    """The release that holds service and stable version is left alone; the new one comes beside it, without traffic."""
    result = plan(seen("2", everything("1"), stable=V1, weights={V1: 100}))
    assert words(result) == [
        f"web-{V2} version {V2} canary",
        f"web-traffic [{V1},{V2}] {V1}=100,{V2}=0 testers={V2}",
    ]
    assert (result.stable, result.canary) == (V1, V2)


def test_new_version_beside_a_promoted_one() -> None:
    """Once the versions have releases of their own, what they share is upgraded first, and the stable one is not."""
    result = plan(seen("2", shared(), beside("1"), stable=V1, weights={V1: 100}))
    assert words(result)[:2] == ["web service", f"web-{V2} version {V2} canary"]
    assert f"web-{V1}" not in {step.release for step in result.steps}


def test_no_istio_objects_outside_config_clusters() -> None:
    """A cluster that is no config cluster gets the version and no traffic release."""
    result = plan(seen("2", shared(), stable=V1, weights={V1: 100}, routes=False, runs_stable=False))
    assert words(result) == ["web service", f"web-{V2} version {V2} canary"]


def test_config_cluster_that_does_not_run_the_canary() -> None:
    """v1 on one cloud, v2 on the other: the config cluster gets the subset, and no pods of v2."""
    result = plan(seen("2", everything("1"), stable=V1, weights={V1: 100}, runs_canary=False))
    assert words(result) == [f"web-traffic [{V1},{V2}] {V1}=100,{V2}=0 testers={V2}"]


def test_the_same_stable_version_again() -> None:
    """The stable version once more is upgraded where it is, with the weights as they are."""
    assert words(plan(seen("1", everything("1"), stable=V1, weights={V1: 100}))) == [
        f"web all {V1} stable",
        f"web-traffic [{V1}] {V1}=100 testers=",
    ]
    assert words(plan(seen("1", shared(), beside("1"), stable=V1, weights={V1: 100})))[:2] == [
        "web service",
        f"web-{V1} version {V1} stable",
    ]


def test_the_same_canary_again() -> None:
    """A canary in progress keeps its live weight when it is deployed again."""
    weights = {V1: 75, V2: 25}
    result = plan(seen("2", everything("1"), beside("2"), stable=V1, canary=V2, weights=weights))
    assert words(result)[-1] == f"web-traffic [{V1},{V2}] {V1}=75,{V2}=25 testers={V2}"
    assert words(result)[0] == f"web-{V2} version {V2} canary"


def test_the_stable_version_during_a_canary() -> None:
    """The stable version deployed again during a canary leaves the canary and its weight."""
    result = plan(seen("1", everything("1"), beside("2"), stable=V1, canary=V2, weights={V1: 75, V2: 25}))
    assert words(result) == [f"web all {V1} stable", f"web-traffic [{V1},{V2}] {V1}=75,{V2}=25 testers={V2}"]
    assert result.canary == V2


def test_a_third_version_is_refused_while_a_canary_takes_traffic() -> None:
    """A further version while the canary has traffic is on hold: exit code 5, and what to do."""
    with pytest.raises(CanaryInProgress, match=f"canary {V2} has 10 %.*mcci canary abort web") as caught:
        plan(seen("3", everything("1"), beside("2"), stable=V1, canary=V2, weights={V1: 90, V2: 10}))
    assert caught.value.exit_code is ExitCode.ON_HOLD


def test_a_canary_without_traffic_is_replaced() -> None:
    """A further version takes the place of a canary at weight 0: routes forget it before its subset and pods go."""
    result = plan(seen("3", everything("1"), beside("2"), stable=V1, canary=V2, weights={V1: 100, V2: 0}))
    assert words(result) == [
        f"web-{V3} version {V3} canary",
        f"web-traffic [{V1},{V3},{V2}] {V1}=100,{V3}=0 testers={V3}",
        f"web-traffic [{V1},{V3}] {V1}=100,{V3}=0 testers={V3}",
        f"uninstall web-{V2}",
    ]


def test_an_old_version_is_retired_after_its_window() -> None:
    """A version past its window goes: its weight, then its subset, then its release."""
    result = plan(seen("2", shared(), beside("1"), beside("2"), stable=V2, weights={V1: 0, V2: 100}, expired={V1}))
    assert words(result) == [
        "web service",
        f"web-{V2} version {V2} stable",
        f"web-traffic [{V2},{V1}] {V2}=100 testers=",
        f"web-traffic [{V2}] {V2}=100 testers=",
        f"uninstall web-{V1}",
    ]


def test_the_first_release_is_retired_without_its_service() -> None:
    """Where the old version is in the release with the service, that release keeps the service alone."""
    result = plan(seen("2", everything("1"), beside("2"), stable=V2, weights={V1: 0, V2: 100}, expired={V1}))
    assert words(result)[-1] == "web service"
    assert f"web all {V1} stable" not in words(result)


def test_an_old_version_with_traffic_stays() -> None:
    """A version that still has traffic is not retired, whatever the window says."""
    result = plan(seen("2", shared(), beside("1"), beside("2"), stable=V2, weights={V1: 5, V2: 95}, expired={V1}))
    assert words(result)[-1] == f"web-traffic [{V1},{V2}] {V1}=5,{V2}=95 testers="


def test_in_place() -> None:
    """A service rolled out in place is one release that keeps the version name it was first given."""
    first = plan(seen("1", in_place=True))
    assert words(first) == [f"web all {V1} stable", "web-traffic []  testers="]
    again = plan(seen("2", everything("1"), in_place=True))
    assert words(again) == [f"web all {V1} stable", "web-traffic []  testers="]
    step = again.steps[0]
    assert isinstance(step, Upgrade)
    assert step.own["image"]["digest"] == image("2").digest


def test_canary_turned_off() -> None:
    """A service whose canary was turned off is rolled out in its stable release, with all traffic, and others go."""
    result = plan(
        seen("3", shared(), beside("1"), beside("2"), stable=V1, canary=V2, weights={V1: 100, V2: 0}, in_place=True)
    )
    assert words(result) == [
        "web service",
        f"web-{V1} version {V1} stable",
        f"web-traffic [{V1},{V2}] {V1}=100 testers=",
        f"web-traffic [{V1}] {V1}=100 testers=",
        f"uninstall web-{V2}",
    ]


def test_canary_turned_on() -> None:
    """After rollouts in place the running digest is known by its release's name, and is not put beside itself."""
    in_place = everything("1")
    moved = type(in_place)(name="web", parts=in_place.parts, version=V1, digest=image("2").digest)
    assert words(plan(seen("2", moved, stable=V1)))[0] == f"web all {V1} stable"
    assert words(plan(seen("3", moved, stable=V1)))[0] == f"web-{V3} version {V3} canary"


WEIGHTS = st.integers(min_value=0, max_value=100)


@given(wanted=st.sampled_from("123"), canary=st.sampled_from(["", V2]), weight=WEIGHTS, routes=st.booleans(),
       runs=st.booleans(), expired=st.sets(st.sampled_from([OLD, V1, V2])))  # fmt: skip
def test_a_plan_never_moves_traffic(
    wanted: str, canary: str, weight: int, routes: bool, runs: bool, expired: set[str]
) -> None:
    """Whatever is deployed, every version that has traffic keeps exactly its weight, and its pods."""
    weights = {OLD: 0, V1: 100 - weight, V2: weight} if canary else {OLD: 0, V1: 100}
    running = (shared(), beside("0"), beside("1"), *((beside("2"),) if canary else ()))
    situation = seen(
        wanted, *running, stable=V1, canary=canary, weights=weights, routes=routes, runs_canary=runs,
        expired=frozenset(expired),
    )  # fmt: skip
    try:
        result = plan(situation)
    except CanaryInProgress:
        assert (wanted, bool(canary), weight > 0) == ("3", True, True)
        return
    for step in result.steps:
        if step.release == "web-traffic":
            assert isinstance(step, Upgrade)
            given_weights = {each["subset"]: each["weight"] for each in step.own["weights"]}
            assert {name: each for name, each in given_weights.items() if each} == {
                name: each for name, each in weights.items() if each
            }
            assert set(given_weights) <= {each["name"] for each in step.own["subsets"]}
    gone = {step.release.removeprefix("web-") for step in result.steps if not isinstance(step, Upgrade)}
    assert not any(weights.get(name) for name in gone)
    assert V1 not in gone
