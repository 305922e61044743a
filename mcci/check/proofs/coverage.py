"""How much a proof covers: the events, settings and sets of changes that it has looked at, as numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log10, prod

from mcci.check.proofs.family import Family
from mcci.check.proofs.proving import Proving
from mcci.check.proofs.space import Box, Dimension


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What the proofs over one pipeline and those below it cover.

    `events` counts kinds of events with their branches, `settings` the combinations of variables that people may set,
    `changes` and `files` the sets of patterns of which each may have changed, and exist, or not. `undecided` is the
    number of questions left open, `boxes` that of parts in which all this was looked at.
    """

    file: str
    branch: str
    pipelines: int
    jobs: int
    events: int
    settings: int
    changes: int
    files: int
    boxes: int
    undecided: int

    @property
    def magnitude(self) -> float:
        """Return the decimal logarithm of the number of all combinations."""
        return log10(self.events) + log10(self.settings) + (self.changes + self.files) * log10(2)


def coverage(shared: Proving) -> list[Coverage]:
    """Return what was covered, family by family."""
    return [_family(family, shared) for family in shared.families]


def _family(family: Family, shared: Proving) -> Coverage:
    space = family.space
    boxes = list(_boxes(family))
    used = {dimension for box in boxes for dimension in box}
    people = [*space.settings.values(), *space.given.values()]
    return Coverage(
        file=family.root.pipeline.file,
        branch=family.branch,
        pipelines=len(family.members),
        jobs=sum(len(member.jobs) for member in family.members),
        events=_events(family, used),
        settings=prod(len(each.values) for each in people if each in used),
        changes=sum(each in used for each in space.changes.values()),
        files=sum(each in used for each in space.exists.values()),
        boxes=len(boxes),
        undecided=len(shared.undecided),
    )


def _boxes(family: Family) -> Iterator[Box]:
    """Yield the parts into which the rules divide all events, each once."""
    seen: set[int] = set()
    for member in family.members:
        for job in member.jobs.values():
            presence = member.presence(job)
            if id(presence) not in seen:
                seen.add(id(presence))
                yield from (box for box, _ in presence.rules)
                yield from presence.absent


def _events(family: Family, used: set[Dimension]) -> int:
    """Return the number of events that the rules can tell apart, changes and variables aside."""
    space = family.space
    of_requests = {space.ref, space.target, space.fork, space.merge_request_kind, space.draft}
    of_requests |= {space.protected, space.target_protected}
    of_others = {space.ref, space.open, space.protected}
    return sum(
        prod(len(each.values) for each in (of_requests if kind.merge_request else of_others) & used)
        for kind in space.kind.values
    )
