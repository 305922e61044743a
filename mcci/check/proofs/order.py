"""What has to happen before a job runs: a person's press, another job's success, another job's end.

Each question is answered for all events at once: the answer is the part of the events in which it does *not* have to
happen, nothing where it always does. The statuses are GitLab's, as `mcci.simulation.status` plays them: a job that
needs an untouched optional manual job is skipped, one that needs a blocking one waits; in stages only the latter holds
others back; and a failure skips what follows, gates too, but for jobs with `when: always` or `on_failure`.
https://docs.gitlab.com/ci/jobs/job_control/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from mcci.check.proofs.family import Family, Member, Way
from mcci.check.proofs.space import Box, bounded, compact, meet, meetings

_AFTER_SUCCESS = frozenset(("on_success", "manual", "delayed"))


class State(IntEnum):
    """How far a job gets when nobody presses anything and nothing fails; of several needs the greatest counts."""

    RUNS = 0
    WAITS = 1
    SKIPPED = 2


Parts = dict[State, list[Box]]


@dataclass(slots=True)
class _Known:
    """What was found for a job already; a question that could not be answered leaves nothing behind."""

    starting: dict[str, Parts] = field(default_factory=dict)
    states: dict[str, Parts] = field(default_factory=dict)
    ends: dict[str, list[Box]] = field(default_factory=dict)
    runs: dict[str, list[Box]] = field(default_factory=dict)
    skippable: dict[str, list[Box]] = field(default_factory=dict)
    without: dict[tuple[frozenset[str], str], list[Box]] = field(default_factory=dict)


class Order:
    """Answers for the jobs of one pipeline."""

    def __init__(self, family: Family, member: Member) -> None:
        self.family = family
        self.member = member
        self._known = _Known()
        self._stages: dict[int, tuple[str, ...]] = {}

    def unpressed(self, name: str) -> list[Box]:
        """Return the events in which a job can run, whatever fails, without a person having pressed any job."""
        found = compact([*self._starting(name)[State.RUNS], *self._runs_after_failure(name)])
        parent = self.family.parent(self.member)
        if parent is None or not found:
            return found
        above = Order(self.family, parent)
        starters = parent.configuration.groups.get(self.member.pipeline.started_by, ())
        return [box for starter in starters for box in meetings(found, above.unpressed(starter))]

    def _starting(self, name: str) -> Parts:
        """Return the events of a job by its state, a trigger job's child left aside."""
        if name not in self._known.starting:
            found: Parts = {state: [] for state in State}
            for way in self.member.ways(name):
                for before, boxes in self._before(name, way).items():
                    found[_state(way, before)] += boxes
            self._known.starting[name] = {state: compact(boxes) for state, boxes in found.items()}
        return self._known.starting[name]

    def _states(self, name: str) -> Parts:
        """Return the events of a job by its state, to those that wait for it: a trigger job may wait with its child."""
        if name not in self._known.states:
            found = self._starting(name)
            self._known.states[name] = self._with_child(name, found) if self._holds_with_child(name) else found
        return self._known.states[name]

    def _before(self, name: str, way: Way) -> Parts:
        """Return the events of a way by the state of all that the job waits for."""
        parts: Parts = {State.RUNS: [way.box], State.WAITS: [], State.SKIPPED: []}
        others = self._earlier(name) if way.needs is None else [other for other, _ in self._needed(way)]
        for other in others:
            states = self._states(other)
            if way.needs is None and not states[State.WAITS]:
                continue
            if not states[State.WAITS] and not states[State.SKIPPED]:
                continue
            passed = [*self.member.absent(other), *states[State.RUNS]]
            skipped = states[State.SKIPPED]
            if way.needs is None:
                passed, skipped = [*passed, *skipped], []
            by_state = {State.RUNS: passed, State.WAITS: states[State.WAITS], State.SKIPPED: skipped}
            after: Parts = {state: [] for state in State}
            for before, boxes in parts.items():
                for state, of in by_state.items():
                    after[max(before, state)] += meetings(boxes, of)
            parts = {state: compact(boxes) for state, boxes in after.items()}
        return parts

    def _holds_with_child(self, name: str) -> bool:
        """Say whether a trigger job ends only with its child pipeline."""
        trigger = self.member.jobs[name].trigger
        return trigger is not None and trigger.strategy is not None

    def _with_child(self, name: str, parts: Parts) -> Parts:
        """Return the states with those events moved in which the child pipeline waits for a press."""
        group = self.member.jobs[name].group
        for child in self.family.members:
            if self.family.parent(child) is not self.member or child.pipeline.started_by != group:
                continue
            below = Order(self.family, child)
            for inner in child.jobs:
                states = below._states(inner)
                if states[State.WAITS]:
                    free = [*child.absent(inner), *states[State.RUNS], *states[State.SKIPPED]]
                    waiting = meetings(parts[State.RUNS], states[State.WAITS])
                    parts = {
                        State.RUNS: compact(meetings(parts[State.RUNS], free)),
                        State.WAITS: compact([*parts[State.WAITS], *waiting]),
                        State.SKIPPED: parts[State.SKIPPED],
                    }
        return parts

    def _released(self, name: str) -> list[Box]:
        """Return the events in which a trigger job, whose failure is allowed, can end by its child's failure."""
        if not self._holds_with_child(name):
            return []
        return meetings(self._starting(name)[State.RUNS], self._may_fail(name))

    def _runs_after_failure(self, name: str) -> list[Box]:
        """Return the events in which a job can run after another failed, though nobody pressed any."""
        if name not in self._known.runs:
            found: list[Box] = []
            for way in self.member.ways(name):
                if way.when in ("always", "on_failure"):
                    found += self._all_end(name, way)
                    for other, _ in self._needed(way) if way.needs is not None else ():
                        found += meetings([way.box], self._skipped_by_failure(other))
                elif way.when != "manual" and way.needs is None:
                    found += self._stage_released(name, way)
                elif way.when != "manual" and way.needs:
                    boxes = [way.box]
                    for other, optional in self._needed(way):
                        passed = self._passes_after_failure(other)
                        boxes = meetings(boxes, [*passed, *(self.member.absent(other) if optional else ())])
                    found += boxes
            self._known.runs[name] = compact(found)
        return self._known.runs[name]

    def _passes_after_failure(self, name: str) -> list[Box]:
        """Return the events in which a job ends well, whether another failed or not, though nobody pressed any."""
        found = [*self._states(name)[State.RUNS], *self._released(name)]
        after = self._runs_after_failure(name)
        if self._holds_with_child(name):
            found += meetings(after, self._may_fail(name))
            after = self._with_child(name, {State.RUNS: after, State.WAITS: [], State.SKIPPED: []})[State.RUNS]
        return compact([*found, *after])

    def _stage_released(self, name: str, way: Way) -> list[Box]:
        """Return the events of a way in which the earlier stages end well since a trigger job's failure is allowed."""
        released = {other: ended for other in self._earlier(name) if (ended := self._released(other))}
        boxes: list[Box] = [way.box] if released else []
        for other in self._earlier(name) if released else ():
            states = self._states(other)
            if states[State.WAITS]:
                passed = [*states[State.RUNS], *states[State.SKIPPED], *released.get(other, ())]
                boxes = compact(meetings(boxes, [*self.member.absent(other), *passed]))
        return boxes

    def _ends(self, name: str) -> list[Box]:
        """Return the events in which a job can come to an end, a failure allowed, though nobody pressed any."""
        if name not in self._known.ends:
            found: list[Box] = []
            for way in self.member.ways(name):
                if _blocks(way):
                    found += meetings(self._all_end(name, way), self._waits_for_some(name, way))
                elif way.when == "manual":
                    found.append(way.box)
                else:
                    found += self._all_end(name, way)
            self._known.ends[name] = compact(found)
        return self._known.ends[name]

    def _skipped_by_failure(self, name: str) -> list[Box]:
        waiting = [box for way in self.member.ways(name) for box in self._waits_for_some(name, way)]
        return meetings(self._ends(name), waiting)

    def _all_end(self, name: str, way: Way) -> list[Box]:
        """Return the events of a way in which all that the job waits for can come to an end."""
        boxes: list[Box] = [way.box]
        for other in self._earlier(name) if way.needs is None else [other for other, _ in self._needed(way)]:
            if any(map(_blocks, self.member.ways(other))) or self.member.jobs[other].needs:
                boxes = compact(meetings(boxes, [*self.member.absent(other), *self._ends(other)]))
        return boxes

    def _waits_for_some(self, name: str, way: Way) -> list[Box]:
        """Return the events of a way in which the job waits for another, by whose failure it would be skipped."""
        others = self._earlier(name) if way.needs is None else [other for other, _ in self._needed(way)]
        found: list[Box] = []
        for other in others:
            found += meetings([way.box], [each.box for each in self.member.ways(other) if each.when != "manual"])
            found = compact(found)
        return found

    def without(self, name: str, before: frozenset[str]) -> list[Box]:
        """Return the events in which a job can run though none of the jobs `before` has succeeded."""
        key = (before, name)
        if key not in self._known.without:
            found: list[Box] = []
            for way in self.member.ways(name):
                if way.when not in _AFTER_SUCCESS:
                    found.append(way.box)
                elif way.needs is None:
                    found += self._stage_without(name, way, before)
                else:
                    found += self._needs_without(way, before)
            self._known.without[key] = compact(found)
        return self._known.without[key]

    def _stage_without(self, name: str, way: Way, before: frozenset[str]) -> list[Box]:
        """Return the events of a way in which the earlier stages end well without the jobs `before`."""
        boxes: list[Box] = [way.box]
        for other in before.intersection(self._earlier(name)):
            boxes = meetings(boxes, [*self.member.absent(other), *self._may_fail(other), *self._skippable(other)])
        return boxes

    def _needs_without(self, way: Way, before: frozenset[str]) -> list[Box]:
        boxes: list[Box] = [way.box]
        for other, optional in self._needed(way):
            passes = self._may_fail(other) if other in before else self.without(other, before)
            boxes = meetings(boxes, [*passes, *(self.member.absent(other) if optional else ())])
        return boxes

    def _may_fail(self, name: str) -> list[Box]:
        """Return the events in which a job's failure counts as success, for some exit codes at least."""
        codes = bool(self.member.jobs[name].allow_failure.exit_codes)
        return [way.box for way in self.member.ways(name) if way.optional or codes]

    def _skippable(self, name: str) -> list[Box]:
        """Return the events in which a job can be skipped though nothing failed."""
        if name not in self._known.skippable:
            found: list[Box] = []
            for way in self.member.ways(name):
                if way.when == "on_failure":
                    found.append(way.box)
                for other, _ in self._needed(way) if way.needs is not None else ():
                    alone = [each.box for each in self.member.ways(other) if each.when == "manual" and each.optional]
                    found += meetings([way.box], [*alone, *self._skippable(other)])
            self._known.skippable[name] = compact(found)
        return self._known.skippable[name]

    def together(self, one: str, other: str) -> list[Box]:
        """Return the events in which both jobs are there and neither waits for the other's end."""
        found: list[Box] = []
        for first in self.member.ways(one):
            for second in self.member.ways(other):
                both = meet(first.box, second.box)
                if both is not None:
                    left = self._not_waiting(one, other, [both], {})
                    found += self._not_waiting(other, one, left, {})
                    bounded(found)
        return found

    def _not_waiting(self, name: str, before: str, boxes: Sequence[Box], seen: dict[str, list[Box]]) -> list[Box]:
        """Return the part of `boxes` in which a job does not wait for another's end, not even through others.

        Nothing waits for an optional manual job that nobody has pressed yet, but a job that needs it to succeed.
        """
        if name not in seen:
            found: list[Box] = []
            later = [way.box for way in self.member.ways(before) if way.when == "manual" and way.optional]
            for way in self.member.ways(name):
                inside = [way.box]
                if way.needs is None and before in self._earlier(name):
                    inside = meetings(inside, [*self.member.absent(before), *later])
                for other, _ in self._needed(way):
                    waiting = [] if other == before else self._not_waiting(other, before, [{}], seen)
                    after_all = () if way.when in _AFTER_SUCCESS else later
                    inside = compact(meetings(inside, [*self.member.absent(other), *waiting, *after_all]))
                found += inside
            seen[name] = compact(found)
        return meetings(boxes, seen[name])

    def _needed(self, way: Way) -> Iterator[tuple[str, bool]]:
        """Yield the jobs that a way needs, each with whether it may be missing.

        Without a needed job that is not optional GitLab creates no pipeline; of a parallel one any instance will do.
        """
        for need in way.needs or ():
            others = self.member.needed(need)
            yield from ((other, need.optional or len(others) > 1) for other in others)

    def _earlier(self, name: str) -> tuple[str, ...]:
        """Return the jobs of the stages before a job's own."""
        order = self.member.order
        stage = order.get(self.member.jobs[name].stage, 0)
        if stage not in self._stages:
            jobs = self.member.jobs.items()
            self._stages[stage] = tuple(other for other, job in jobs if order.get(job.stage, 0) < stage)
        return self._stages[stage]


def _state(way: Way, before: State) -> State:
    """Return how far a job gets, by the state of what it waits for."""
    if before is State.WAITS:
        return State.WAITS
    if way.when == "always":
        return State.RUNS
    if way.when == "on_failure" or before is State.SKIPPED:
        return State.SKIPPED
    if way.when == "manual":
        return State.SKIPPED if way.optional else State.WAITS
    return State.RUNS


def _blocks(way: Way) -> bool:
    """Say whether a job holds others back until a person pressed it."""
    return way.when == "manual" and not way.optional
