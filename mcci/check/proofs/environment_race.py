"""Two jobs of one pipeline that deploy to the same environment at the same time: the slower one wins."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import combinations

from mcci.check.proofs.proving import Place, Proving, proving
from mcci.check.proofs.space import Box, TooMany, meetings
from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.findings import Finding, Severity

RULE = Rule(
    id="environment-race",
    summary="In some event two jobs of one pipeline deploy to the same environment at once.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/resource_groups/",
)

_MOST = 200


def check(subject: Subject) -> Iterator[Finding]:
    """Look at each two jobs that deploy to one environment, share no resource group, and do not wait for each other."""
    shared = proving(subject)
    for place in shared.places:
        environments: dict[str, list[str]] = {}
        for name, effect in place.effects.items():
            if effect.deploys and place.member.jobs[name].trigger is None:
                environments.setdefault(_filled(place, name), []).append(name)
        for environment, names in environments.items():
            where = place.position(names[0], "environment")
            what = f"the jobs that deploy to '{environment}'"
            none: list[tuple[str, str]] = []
            pairs = shared.decide(where, what, partial(_pairs, place, names), none)
            yield from _environment(shared, place, environment, pairs)


def _environment(shared: Proving, place: Place, environment: str, pairs: list[tuple[str, str]]) -> Iterator[Finding]:
    for one, other in pairs:
        found = shared.witness(
            place,
            other,
            f"its turn with '{one}'",
            partial(_at_once, place, one, other),
        )
        if found is not None:
            message = f"job '{other}' and '{one}' deploy to '{environment}' at the same time on {found.text()}"
            advice = "Let one need the other, or put both into the same resource_group."
            yield shared.finding(RULE, place.position(other, "environment"), message, advice, found)
            return  # the others of this environment are the same mistake


def _pairs(place: Place, names: list[str]) -> list[tuple[str, str]]:
    """Return each two of the jobs that no resource group keeps apart. Raises `TooMany`."""
    groups = [place.member.jobs[name].resource_group for name in names]
    if (len(names) > _MOST and len(set(groups)) > 1) or groups.count(None) > _MOST:
        raise TooMany(f"{len(names):,} jobs")
    jobs = zip(names, groups, strict=True)
    return [(one, other) for (one, a), (other, b) in combinations(jobs, 2) if a is None or a != b]


def _at_once(place: Place, one: str, other: str) -> list[Box]:
    return meetings([place.family.here()], place.order.together(one, other))


def _filled(place: Place, name: str) -> str:
    """Return the environment's name, the variables that differ from job to job filled in."""
    job = place.member.jobs[name]
    text = job.environment.name if job.environment is not None else ""
    for key, variable in sorted(job.variables.items(), key=lambda item: -len(item[0])):
        text = text.replace(f"${{{key}}}", variable.value).replace(f"${key}", variable.value)
    return text
