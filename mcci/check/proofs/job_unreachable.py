"""A job that no event brings into a pipeline: its rules exclude each other, or those of the pipeline around it."""

from __future__ import annotations

from collections.abc import Iterator

from mcci.check.proofs.proving import Place, Proving, proving
from mcci.check.proofs.witness import plainest
from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.findings import Finding, Severity

RULE = Rule(
    id="job-unreachable",
    summary="No event brings the job into a pipeline.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/jobs/job_rules/",
)


def check(subject: Subject) -> Iterator[Finding]:
    """Look for one event for each job; jobs with the same conditions share it."""
    shared = proving(subject)
    for place in shared.places:
        known: dict[int, bool] = {}
        seen: set[str] = set()
        for name, job in place.member.jobs.items():
            presence = id(place.member.presence(job))
            if job.group in seen or not place.member.contexts:
                continue
            seen.add(job.group)
            if presence not in known:
                known[presence] = _reachable(shared, place, name)
            if not known[presence]:
                message = f"job '{job.group}' is in no pipeline, whatever the event"
                advice = "Remove it, or the conditions that exclude each other; `mcci explain JOB` shows them."
                yield RULE.finding(place.position(name), message, advice)


def _reachable(shared: Proving, place: Place, name: str) -> bool:
    boxes = [way.box for way in place.member.ways(name)]
    where = place.member.jobs[name].position
    what = f"job '{name}': that some event has it"
    return shared.decide(where, what, lambda: plainest(boxes, place.family.space) is not None, True)
