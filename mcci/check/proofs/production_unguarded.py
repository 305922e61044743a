"""A job that changes production and that in some event runs though no person has started it or one before it."""

from __future__ import annotations

from collections.abc import Iterator

from mcci.check.proofs.proving import Place, proving
from mcci.check.proofs.space import Box, meetings
from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.findings import Finding, Severity

RULE = Rule(
    id="production-unguarded",
    summary="In some event production changes without a person.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/environments/deployment_safety/",
)


def check(subject: Subject) -> Iterator[Finding]:
    """Follow each job that changes production back to a manual one, through needs, stages and parents."""
    shared = proving(subject)
    for place, name, _, found in shared.witnesses("a person before it", lambda each: each.production, _alone):
        message = f"job '{name}' changes production, and no person starts it on {found.text()}"
        advice = "Give its rule 'when: manual' and 'allow_failure: false', or let it need a job that has."
        yield shared.finding(RULE, place.position(name, "environment"), message, advice, found)


def _alone(place: Place, name: str) -> list[Box]:
    return meetings([place.family.here()], place.order.unpressed(name))
