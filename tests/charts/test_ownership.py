"""Releases of one service live side by side: no object is claimed twice, and no change restarts what it should not."""

from __future__ import annotations

import pytest

from tests.charts.rendering import Object, case, one_of, render
from tests.tools.helm import Major

pytestmark = pytest.mark.service

EVERYTHING = case("microservice/everything")


def hook(entry: Object) -> bool:
    """Whether Helm runs that object beside the release instead of owning it."""
    return "helm.sh/hook" in entry["metadata"].get("annotations", {})


def owned(objects: list[Object]) -> set[tuple[str, str]]:
    """Kind and name of the objects that Helm would call the release's own."""
    return {(entry["kind"], entry["metadata"]["name"]) for entry in objects if not hook(entry)}


def test_versions_share_no_object(major: Major) -> None:
    """The releases of v1, of v2 and of what they share have not one object in common."""
    shared = owned(render(major, EVERYTHING, None, "parts=service"))
    first = owned(render(major, EVERYTHING, None, "parts=version", "version=v1"))
    second = owned(render(major, EVERYTHING, None, "parts=version", "version=v2"))
    assert shared == {("Service", "staff-service"), ("ServiceAccount", "fleet")}
    assert not first & second
    assert not (first | second) & shared


def test_one_install_is_the_sum_of_both(major: Major) -> None:
    """A first deploy with one install brings exactly what the two releases of the split bring."""
    everything = render(major, EVERYTHING, None, "parts=all")
    service = render(major, EVERYTHING, None, "parts=service")
    version = render(major, EVERYTHING, None, "parts=version")
    assert owned(everything) == owned(service) | owned(version)
    assert all(entry in everything for entry in [*service, *version])


def test_hooks_of_two_versions_differ(major: Major) -> None:
    """The migrations of two versions have names of their own, so one never deletes the other's."""
    first, second = (
        {entry["metadata"]["name"] for entry in render(major, EVERYTHING, None, f"version={version}") if hook(entry)}
        for version in ("v1", "v2")
    )
    assert len(first) == len(second) == 2
    assert not first & second


def test_promotion_restarts_nothing(major: Major) -> None:
    """From canary to stable only labels of objects change: no selector, and nothing in the pod template."""
    canary = one_of(render(major, EVERYTHING, None, "track=canary"), "Deployment")
    stable = one_of(render(major, EVERYTHING, None, "track=stable"), "Deployment")
    assert canary["metadata"]["labels"]["track"] == "canary"
    assert stable["metadata"]["labels"]["track"] == "stable"
    assert canary["spec"] == stable["spec"]


def test_a_new_profile_restarts_the_pods(major: Major) -> None:
    """A changed profile changes the pod template, so that running pods take it up."""
    before = one_of(render(major, EVERYTHING, None), "Deployment")["spec"]["template"]
    after = one_of(render(major, EVERYTHING, None, "profile.content=log_level: info"), "Deployment")["spec"]["template"]
    assert before["metadata"]["annotations"]["checksum/config"] != after["metadata"]["annotations"]["checksum/config"]


def test_selectors_select(major: Major) -> None:
    """Service, disruption budget, network policy and Deployment all select the version's pods, and no migration pod."""
    objects = render(major, EVERYTHING)
    labels = one_of(objects, "Deployment")["spec"]["template"]["metadata"]["labels"]
    migration = one_of(objects, "Job")["spec"]["template"]["metadata"]["labels"]
    selectors = [
        one_of(objects, "Service")["spec"]["selector"],
        one_of(objects, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        one_of(objects, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        one_of(objects, "Deployment")["spec"]["selector"]["matchLabels"],
    ]
    assert all(selector.items() <= labels.items() for selector in selectors)
    assert not any(selector.items() <= migration.items() for selector in selectors)


def test_migration_uses_nothing_of_its_release(major: Major) -> None:
    """On a first install the hook names no ServiceAccount or ConfigMap that only the release itself brings."""
    objects = render(major, case("microservice/migration"))
    pod = one_of(objects, "Job")["spec"]["template"]["spec"]
    hooks = {entry["metadata"]["name"] for entry in objects if entry["kind"] == "ConfigMap" and hook(entry)}
    assert pod["serviceAccountName"] == "default"
    assert {volume["configMap"]["name"] for volume in pod["volumes"] if "configMap" in volume} == hooks


def test_names_fit(major: Major) -> None:
    """With the longest names allowed, a Job's name still fits a label (63 characters)."""
    job = one_of(render(major, case("microservice/long-names")), "Job")
    assert len(job["metadata"]["name"]) + len("0000") <= 63
