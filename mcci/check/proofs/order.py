"""What has to happen before a job runs: a person's press, another job's success, another job's end.

Each question is answered for all events at once: the answer is the part of the asked events in which it does *not*
have to happen, nothing when it always does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mcci.check.proofs.family import Family, Member, Way
from mcci.check.proofs.space import Box, bounded, compact, meet, meetings

_AFTER_SUCCESS = frozenset(("on_success", "manual", "delayed"))


class Order:
    """Answers for the jobs of one pipeline; what was found for a job is kept."""

    def __init__(self, family: Family, member: Member) -> None:
        self.family = family
        self.member = member
        self._unpressed: dict[str, list[Box]] = {}
        self._without: dict[tuple[frozenset[str], str], list[Box]] = {}
        self._stages: dict[int, tuple[str, ...]] = {}

    def unpressed(self, name: str) -> list[Box]:
        """Return the events in which a job runs without any person having pressed a job before it, or itself."""
        known = self._known_unpressed(name)
        parent = self.family.parent(self.member)
        if parent is None or not known:
            return known
        above = Order(self.family, parent)
        starters = parent.configuration.groups.get(self.member.pipeline.started_by, ())
        return [box for starter in starters for box in meetings(known, above.unpressed(starter))]

    def _known_unpressed(self, name: str) -> list[Box]:
        if name not in self._unpressed:
            self._unpressed[name] = []  # needs go in a circle: GitLab refuses them
            self._unpressed[name] = compact(
                [
                    box
                    for way in self.member.ways(name)
                    if way.when != "manual"
                    for box in self._waits(name, way, self._unheld, _blocks)
                ]
            )
        return self._unpressed[name]

    def _unheld(self, name: str) -> list[Box]:
        """Return the events in which a job is done without a press; a trigger job that waits is done with its child."""
        boxes = self._known_unpressed(name)
        job = self.member.jobs[name]
        if job.trigger is None or job.trigger.strategy is None:
            return boxes
        for child in self.family.members:
            if self.family.parent(child) is self.member and child.pipeline.started_by == job.group:
                for inner in child.jobs:
                    ways = child.ways(inner)
                    if any(map(_blocks, ways)):
                        free = [each.box for each in ways if not _blocks(each)]
                        boxes = meetings(boxes, [*child.absent(inner), *free])
        return boxes

    def without(self, name: str, before: frozenset[str]) -> list[Box]:
        """Return the events in which a job can run though none of the jobs `before` has succeeded."""
        key = (before, name)
        if key not in self._without:
            self._without[key] = []
            found: list[Box] = []
            for way in self.member.ways(name):
                if way.when in _AFTER_SUCCESS:
                    found += self._waits(name, way, lambda other: self._passes(other, before), _every, only=before)
                else:
                    found.append(way.box)
            self._without[key] = compact(found)
        return self._without[key]

    def _passes(self, name: str, before: frozenset[str]) -> list[Box]:
        """Return the events in which a job is done, or as good as, though none of the jobs `before` succeeded."""
        if name not in before:
            return self.without(name, before)
        return [way.box for way in self.member.ways(name) if way.optional]

    def _waits(
        self,
        name: str,
        way: Way,
        passes: Callable[[str], list[Box]],
        holds: Callable[[Way], bool],
        only: frozenset[str] | None = None,
    ) -> list[Box]:
        """Return the part of a way in which all that the job waits for `passes`: its needs, or the earlier stages.

        Of the jobs in earlier stages those count whose ways `holds` selects, and that are in `only`, where given.
        """
        boxes: list[Box] = [way.box]
        if way.needs is None:
            for other in self._earlier(name):
                if only is not None and other not in only:
                    continue
                holding = [each for each in self.member.ways(other) if holds(each)]
                if holding:
                    free = [each.box for each in self.member.ways(other) if each not in holding]
                    passing = passes(other) if only is not None else []
                    boxes = meetings(boxes, [*self.member.absent(other), *free, *passing])
            return boxes
        for need in way.needs:
            others = self.member.needed(need)
            for other in others:
                # Without a needed job that is not optional GitLab creates no pipeline.
                missing = self.member.absent(other) if need.optional or len(others) > 1 else ()
                boxes = meetings(boxes, [*passes(other), *missing])
        return boxes

    def _earlier(self, name: str) -> tuple[str, ...]:
        """Return the jobs of the stages before a job's own."""
        order = self.member.order
        stage = order.get(self.member.jobs[name].stage, 0)
        if stage not in self._stages:
            jobs = self.member.jobs.items()
            self._stages[stage] = tuple(other for other, job in jobs if order.get(job.stage, 0) < stage)
        return self._stages[stage]

    def together(self, one: str, other: str) -> list[Box]:
        """Return the events in which both jobs are there and neither waits for the other's end."""
        found: list[Box] = []
        for first in self.member.ways(one):
            for second in self.member.ways(other):
                both = meet(first.box, second.box)
                if both is not None:
                    found += self._unordered(one, other, [both])
                    bounded(found)
        return found

    def _unordered(self, one: str, other: str, boxes: list[Box]) -> list[Box]:
        left = self._not_waiting(one, other, boxes, set())
        return self._not_waiting(other, one, left, set())

    def _not_waiting(self, name: str, before: str, boxes: Sequence[Box], seen: set[str]) -> list[Box]:
        """Return the part of `boxes` in which a job does not wait for another's end, not even through others."""
        if not boxes or name in seen:
            return list(boxes)
        seen.add(name)
        found: list[Box] = meetings(boxes, self.member.absent(name))
        for way in self.member.ways(name):
            inside = meetings(boxes, [way.box])
            if not inside:
                continue
            if way.needs is None:
                found += [] if before in self._earlier(name) else inside
                continue
            for need in way.needs:
                for other in self.member.needed(need):
                    inside = [] if other == before else self._not_waiting(other, before, inside, seen)
            found += inside
        return found


def _blocks(way: Way) -> bool:
    """Say whether a job holds the later stages back until a person pressed it."""
    return way.when == "manual" and not way.optional


def _every(_way: Way) -> bool:
    return True
