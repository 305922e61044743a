"""A merge request that changes a cluster, writes to the release registry, or starts a delivery.

Anybody who can open one would decide what runs there.
"""

from __future__ import annotations

from collections.abc import Iterator

from mcci.check.proofs.event_space import MERGE_REQUEST
from mcci.check.proofs.proving import Place, proving
from mcci.check.proofs.space import Box, bits, meetings
from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.findings import Finding, Severity

RULE = Rule(
    id="merge-request-writes",
    summary="In some merge request a job changes a cluster or writes to the release registry.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/pipelines/merge_request_pipelines/#run-pipelines-in-the-parent-project",
)


def check(subject: Subject) -> Iterator[Finding]:
    """Look for a merge request, from the project or a fork, that has a job with effects outside of itself."""
    shared = proving(subject)
    for place, name, effect, found in shared.witnesses("in merge requests", lambda each: each.writes, _requests):
        message = f"job '{name}' {effect.writes} in {found.text()}"
        advice = "Leave it out of merge requests: 'if: $CI_MERGE_REQUEST_ID == null'."
        yield shared.finding(RULE, place.position(name), message, advice, found)


def _requests(place: Place, name: str) -> list[Box]:
    kind = place.family.space.kind
    return meetings([{kind: bits(kind, lambda each: each == MERGE_REQUEST)}], place.present(name))
