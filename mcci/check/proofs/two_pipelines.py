"""One push that starts two pipelines: the branch's, and that of the merge request from this branch.

A merge request from a fork has no branch pipeline beside it in this project; in the fork the same rules hold again.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from mcci.check.proofs.event_space import MERGE_REQUEST, PUSH, EventSpace
from mcci.check.proofs.proving import Place, proving
from mcci.check.proofs.space import Box, Dimension, bits, compact, meet, meetings
from mcci.check.proofs.witness import Witness, cost, plainest
from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.findings import Finding, Position, Severity
from mcci.pipeline.configuration import FIRST, LAST

RULE = Rule(
    id="two-pipelines",
    summary="In some event one push starts both a branch pipeline and a merge-request pipeline.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/jobs/job_rules/#avoid-duplicate-pipelines",
)


def check(subject: Subject) -> Iterator[Finding]:
    """Look for a branch whose push, with an open merge request, runs a job in both kinds of pipeline."""
    shared = proving(subject)
    for place in shared.places:
        if place.family.parent(place.member) is not None:
            continue
        where = _position(place)
        found = shared.decide(where, "one pipeline for one push", partial(_both, place), None)
        if found is not None:
            push, request = found
            message = f"two pipelines run for one push: for {push.text()}, and for {request.text()}"
            advice = "Add workflow:rules that keep one of the two (https://docs.gitlab.com/ci/yaml/workflow/)."
            yield shared.finding(RULE, where, message, advice, push, request)


def _position(place: Place) -> Position:
    root = place.member.pipeline.content
    return root.position("workflow") if "workflow" in root else Position(file=place.member.pipeline.file)


def _both(place: Place) -> tuple[Witness, Witness] | None:
    space = place.family.space
    push = {space.kind: bits(space.kind, lambda kind: kind == PUSH), space.open: 2}
    request = {space.kind: bits(space.kind, lambda kind: kind == MERGE_REQUEST), space.fork: 1}
    branch, merge = _by_shared(_running(place, push), space), _by_shared(_running(place, request), space)
    pairs = [
        (common, ones, others)
        for one, ones in branch
        for other, others in merge
        if (common := meet(one, other)) is not None
    ]
    for common, ones, others in sorted(pairs, key=lambda pair: cost(pair[0])):
        second = plainest(meetings([common], others), space)
        if second is None:
            continue
        ref = {space.ref: 1 << space.ref.values.index(second.event.ref)}
        first = plainest(meetings(meetings([common], [ref]), ones), space)
        if first is not None:
            return first, second
    return None


def _running(place: Place, inside: Box) -> list[Box]:
    """Return the events, of those `inside`, whose pipeline has a job: one in `.pre` or `.post` alone makes none."""
    here = meetings([place.family.here()], [inside])
    jobs = place.member.jobs
    presences = {id(place.member.presence(job)): name for name, job in jobs.items() if job.stage not in (FIRST, LAST)}
    found: list[Box] = []
    for name in presences.values():
        found += meetings(here, [way.box for way in place.member.ways(name)])
    return compact(found)


def _by_shared(boxes: list[Box], space: EventSpace) -> list[tuple[Box, list[Box]]]:
    """Return the boxes by what a push and its merge request share: the branch, the project's settings, the files."""
    shared = {space.ref, *space.settings.values(), *space.exists.values()}
    groups: dict[frozenset[tuple[Dimension, int]], list[Box]] = {}
    for box in boxes:
        part = frozenset(item for item in box.items() if item[0] in shared)
        groups.setdefault(part, []).append(box)
    return [(dict(part), inside) for part, inside in groups.items()]
