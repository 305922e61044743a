"""A job that is there while one that it needs is not: GitLab refuses the whole pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from mcci.check.proofs.proving import Place, Proving, proving
from mcci.check.proofs.space import Box, meetings
from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.findings import Finding, Severity
from mcci.pipeline.needs import Need

RULE = Rule(
    id="needs-dangling",
    summary="In some event a job is there, and a job that it needs is not.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/yaml/#needsoptional",
)


def check(subject: Subject) -> Iterator[Finding]:
    """Look, for each need, for an event with the job and without the one needed."""
    shared = proving(subject)
    for place in shared.places:
        for name in place.member.jobs:
            yield from _job(shared, place, name)


def _job(shared: Proving, place: Place, name: str) -> Iterator[Finding]:
    needs = {id(need): need for way in place.member.ways(name) for need in way.needs or ()}
    for need in needs.values():
        targets = place.member.needed(need)
        if need.optional or not targets:
            continue
        found = shared.witness(place, name, f"its need of '{need.job}'", partial(_without, place, name, need))
        if found is not None:
            message = f"job '{name}' needs '{need.job}', which is not there on {found.text()}"
            yield shared.finding(
                RULE, need.position, message, "Give both the same rules, or add 'optional: true'.", found
            )


def _without(place: Place, name: str, need: Need) -> list[Box]:
    with_need = [way.box for way in place.member.ways(name) if any(each is need for each in way.needs or ())]
    boxes = meetings([place.family.here()], with_need)
    for target in place.member.needed(need):
        boxes = meetings(boxes, place.member.absent(target))
    return boxes
