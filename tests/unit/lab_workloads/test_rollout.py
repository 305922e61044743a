"""How a Deployment moves its pods from one template to the next."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcci.lab.clusters.controllers import rollout

Object = dict[str, Any]


def _deployment(replicas: int, surge: int | str = "25%", unavailable: int | str = "25%", **spec: Any) -> Object:
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    strategy = {"type": "RollingUpdate", "rollingUpdate": rolling}
    return {"metadata": {"name": "web"}, "spec": {"replicas": replicas, "strategy": strategy, **spec}}


def _set(name: str, replicas: int, available: int, made: str = "2026-01-01T00:00:00Z") -> Object:
    status = {"replicas": replicas, "availableReplicas": available}
    return {"metadata": {"name": name, "creationTimestamp": made}, "spec": {"replicas": replicas}, "status": status}


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "expected"),
    [
        (4, "25%", "25%", (1, 1)),
        (3, "25%", "25%", (1, 0)),
        (10, 3, 0, (3, 0)),
        (2, "0%", "10%", (0, 1)),
        (1, 0, 0, (0, 1)),
    ],
)
def test_bounds(replicas: int, surge: int | str, unavailable: int | str, expected: tuple[int, int]) -> None:
    """A surge is rounded up, what may be missing down, and both are never nothing."""
    assert rollout.bounds(_deployment(replicas, surge, unavailable)) == expected


@given(
    replicas=st.integers(0, 12),
    surge=st.one_of(st.integers(0, 5), st.sampled_from(["25%", "50%", "100%"])),
    unavailable=st.one_of(st.integers(0, 5), st.sampled_from(["0%", "25%", "100%"])),
    old=st.lists(st.integers(0, 8), max_size=3),
    luck=st.randoms(use_true_random=False),
)
def test_rolls_within_its_bounds(
    replicas: int, surge: int | str, unavailable: int | str, old: list[int], luck: Any
) -> None:
    """Whatever becomes ready when: never more pods than allowed, never fewer that serve, and it comes to its end."""
    deployment = _deployment(replicas, surge, unavailable)
    extra, missing = rollout.bounds(deployment)
    new = _set("new", 0, 0)
    others = [
        _set(f"old{number}", count, count, f"2026-01-0{number + 1}T00:00:00Z") for number, count in enumerate(old)
    ]
    for _ in range(200):
        total = sum(old)
        serving = sum(each["status"]["availableReplicas"] for each in [new, *others])
        for name, count in rollout.step(deployment, new, others).items():
            one = next(each for each in [new, *others] if each["metadata"]["name"] == name)
            one["spec"]["replicas"] = one["status"]["replicas"] = count
            one["status"]["availableReplicas"] = min(one["status"]["availableReplicas"], count)
        after = sum(each["status"]["availableReplicas"] for each in [new, *others])
        assert sum(map(rollout.wanted, [new, *others])) <= max(total, replicas + extra)
        assert after >= min(serving, replicas - missing)
        for each in [new, *others]:
            if each["status"]["availableReplicas"] < rollout.wanted(each) and luck.random() < 0.7:
                each["status"]["availableReplicas"] += 1
    assert rollout.wanted(new) == replicas
    assert sum(map(rollout.wanted, others)) == 0


def test_broken_old_pods_go_first() -> None:
    """Old pods that serve no one go before those that do, though nothing may be missing."""
    deployment = _deployment(2, 1, 0)
    new, sick, well = _set("new", 1, 0), _set("sick", 1, 0, "2026-01-02T00:00:00Z"), _set("well", 2, 2)
    assert rollout.step(deployment, new, [well, sick]) == {"sick": 0}


def test_recreate_waits_for_the_last_old_pod() -> None:
    """Recreate starts the new pods only when no old one is left."""
    deployment = _deployment(2)
    deployment["spec"]["strategy"] = {"type": "Recreate"}
    old = _set("old", 2, 2)
    assert rollout.step(deployment, _set("new", 0, 0), [old]) == {"old": 0}
    old["spec"]["replicas"] = 0
    assert rollout.step(deployment, _set("new", 0, 0), [old]) == {}
    old["status"] = {"replicas": 0}
    assert rollout.step(deployment, _set("new", 0, 0), [old]) == {"new": 2}


def test_template_hash() -> None:
    """A template has one name, another template another one, and a collision's is different again."""
    one, other = {"spec": {"containers": [{"image": "a"}]}}, {"spec": {"containers": [{"image": "b"}]}}
    names = [rollout.template_hash(one), rollout.template_hash(other), rollout.template_hash(one, 1)]
    assert len(set(names)) == 3
    assert rollout.template_hash(dict(one)) == names[0]


def test_history() -> None:
    """Of the old, empty ReplicaSets the newest revisions stay."""
    old = []
    for number in (3, 1, 2):
        one = _set(f"r{number}", 0, 0)
        one["metadata"]["annotations"] = {rollout.REVISION: str(number)}
        old.append(one)
    assert rollout.forgotten(_deployment(1, revisionHistoryLimit=1), old) == ["r1", "r2"]
