"""Two jobs of one pipeline that deploy to the same environment at the same time: the slower one wins."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import combinations

from mcci.check.proofs.proving import Place, Proving, proving
from mcci.check.proofs.space import Box, meetings
from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.findings import Finding, Severity

RULE = Rule(
    id="environment-race",
    summary="In some event two jobs of one pipeline deploy to the same environment at once.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/resource_groups/",
)


def check(subject: Subject) -> Iterator[Finding]:
    """Look at each two jobs that deploy to one environment, share no resource group, and do not wait for each other."""
    shared = proving(subject)
    for place in shared.places:
        environments: dict[str, list[str]] = {}
        for name, effect in place.effects.items():
            if effect.deploys and place.member.jobs[name].trigger is None:
                environments.setdefault(_filled(place, name), []).append(name)
        for environment, names in environments.items():
            yield from _environment(shared, place, environment, names)


def _environment(shared: Proving, place: Place, environment: str, names: list[str]) -> Iterator[Finding]:
    jobs = place.member.jobs
    for one, other in combinations(names, 2):
        if jobs[one].resource_group is not None and jobs[one].resource_group == jobs[other].resource_group:
            continue
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


def _at_once(place: Place, one: str, other: str) -> list[Box]:
    return meetings([place.family.here()], place.order.together(one, other))


def _filled(place: Place, name: str) -> str:
    """Return the environment's name, the variables that differ from job to job filled in."""
    job = place.member.jobs[name]
    text = job.environment.name if job.environment is not None else ""
    for key, variable in sorted(job.variables.items(), key=lambda item: -len(item[0])):
        text = text.replace(f"${{{key}}}", variable.value).replace(f"${key}", variable.value)
    return text
