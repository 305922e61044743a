"""A canary step, or its promotion, that can run though the one before it has not succeeded."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from mcci.check.proofs.proving import Place, proving
from mcci.check.proofs.space import Box, meetings
from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.check.words import one_of
from mcci.findings import Finding, Severity

RULE = Rule(
    id="canary-step-order",
    summary="In some event a canary step runs though the one before it has not succeeded.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/yaml/needs/",
)


def check(subject: Subject) -> Iterator[Finding]:
    """Look at each service's steps by their weight; the first one follows a deployment to production."""
    shared = proving(subject)
    for place in shared.places:
        for name, before in _followers(place):
            found = shared.witness(
                place,
                name,
                "the step before it",
                partial(_skipping, place, name, before),
            )
            if found is not None:
                message = f"job '{name}' runs though {_named(before)} has not succeeded, on {found.text()}"
                advice = "Let it need that job, which must not be optional nor allowed to fail."
                yield shared.finding(RULE, place.position(name, "needs"), message, advice, found)


def _skipping(place: Place, name: str, before: frozenset[str]) -> list[Box]:
    return meetings([place.family.here()], place.order.without(name, before))


def _named(jobs: frozenset[str]) -> str:
    return one_of((f"'{name}'" for name in sorted(jobs)), most=3)


def _followers(place: Place) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield each job of a canary with the jobs of which one must have succeeded before."""
    deployments = frozenset(
        name
        for name, effect in place.effects.items()
        if effect.deploys and effect.tier == "production" and effect.canary is None and not _only_optional(place, name)
    )
    steps: dict[str, dict[int, list[str]]] = {}
    promotions: dict[str, list[str]] = {}
    for name, effect in place.effects.items():
        if effect.canary is not None and effect.canary.step is not None:
            steps.setdefault(effect.canary.target, {}).setdefault(effect.canary.step, []).append(name)
        elif effect.canary is not None and effect.canary.action == "promote":
            promotions.setdefault(effect.canary.target, []).append(name)
    for target in dict.fromkeys([*steps, *promotions]):
        before = deployments
        for _, names in sorted(steps.get(target, {}).items()):
            yield from ((name, before) for name in names if before)
            before = frozenset(names)
        yield from ((name, before) for name in promotions.get(target, ()) if before)


def _only_optional(place: Place, name: str) -> bool:
    """Say whether nothing can wait for the job's success: a rollback that a person may start at any time."""
    return all(way.optional for way in place.member.ways(name))
