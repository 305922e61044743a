"""What the proofs share while they look at one subject: the families of pipelines, and what could not be decided."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import TypeVar

from mcci.check.pipelines import Pipeline
from mcci.check.proofs.effects import Effects, effects
from mcci.check.proofs.family import Family, Member
from mcci.check.proofs.languages import Unsupported
from mcci.check.proofs.order import Order
from mcci.check.proofs.space import Box, TooMany, meetings
from mcci.check.proofs.witness import Witness, plainest
from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.findings import Finding, Position
from mcci.pipeline.limits import MAX_CHILD_DEPTH

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """One pipeline of a family, with what the proofs ask about its jobs."""

    family: Family
    member: Member
    order: Order
    effects: dict[str, Effects]

    def present(self, name: str) -> list[Box]:
        """Return the events, of those that run these files, in which a job is there."""
        return meetings([self.family.here()], [way.box for way in self.member.ways(name)])

    def position(self, name: str, *keywords: str) -> Position:
        """Return where the first of some keywords of a job stands, or else the job's name."""
        job = self.member.jobs[name]
        keyword = next((each for each in keywords if each in job.keywords), None)
        return job.position if keyword is None else job.keywords.position(keyword)


@dataclass(slots=True, eq=False)
class Proving:
    """The proofs over one subject.

    `undecided` says, place by place, what could not be proved and why; `shown` the event of each finding, in words.
    """

    subject: Subject
    families: list[Family] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    undecided: dict[tuple[Position, str], None] = field(default_factory=dict)
    shown: dict[Finding, str] = field(default_factory=dict)

    def decide(self, position: Position, what: str, ask: Callable[[], T], otherwise: T) -> T:
        """Return an answer, or `otherwise`, with a note, where it would take too much, or cannot be told."""
        try:
            return ask()
        except (TooMany, Unsupported) as error:
            self.undecided[position, f"{what}: {error}"] = None
        except RecursionError:
            self.undecided[position, f"{what}: it depends on too long a chain of jobs"] = None
        return otherwise

    def witness(self, place: Place, name: str, what: str, ask: Callable[[], Sequence[Box]]) -> Witness | None:
        """Return the plainest of the events that `ask` finds about a job, None when there are none."""
        space = place.family.space
        return self.decide(
            place.member.jobs[name].position, f"job '{name}': {what}", lambda: plainest(ask(), space), None
        )

    def witnesses(
        self, what: str, concerns: Callable[[Effects], object], ask: Callable[[Place, str], Sequence[Box]]
    ) -> Iterator[tuple[Place, str, Effects, Witness]]:
        """Yield each job whose effects concern a proof, with the plainest of the events that `ask` finds about it."""
        for place in self.places:
            for name, effect in place.effects.items():
                found = self.witness(place, name, what, partial(ask, place, name)) if concerns(effect) else None
                if found is not None:
                    yield place, name, effect, found

    def finding(self, rule: Rule, position: Position, message: str, advice: str, *witnesses: Witness) -> Finding:
        """Return what a proof found, with the event, and the command that shows it."""
        commands = [each.command(self.subject.context.checkout) for each in witnesses]
        named = " and ".join(f"`{command}`" for command in commands if command is not None)
        command = f" {named} shows it." if named else ""
        found = rule.finding(position, message, advice + command)
        if witnesses:
            self.shown[found] = f"It happens on {' and '.join(each.text() for each in witnesses)}.{command}"
        return found


@lru_cache(maxsize=4)
def proving(subject: Subject) -> Proving:
    """Return what the proofs over a subject share; made once."""
    found = Proving(subject)
    for pipelines in _families(subject):
        top = pipelines[0]
        start = Position(file=top.file)
        if not all(each.complete for each in pipelines):
            found.undecided[start, "the pipeline: it includes files that are not at hand, or by conditions"] = None
            continue
        family = found.decide(start, "the pipeline", partial(_family, pipelines, subject), None)
        if family is None:
            continue
        found.families.append(family)
        for member in family.members:
            done = {name: effects(job) for name, job in member.jobs.items()}
            found.places.append(Place(family, member, Order(family, member), done))
            found.undecided.update(_unseen(found.places[-1], subject))
    return found


def _unseen(place: Place, subject: Subject) -> Iterator[tuple[tuple[Position, str], None]]:
    """Yield the child pipelines of which nothing is known: a job makes their file, or it is not at hand.

    A file that is missing from this branch alone is an error, or its job is for other branches: neither is open.
    """
    member = place.member
    started = {each.started_by for each in subject.pipelines if each.parent is member.pipeline}
    for group, names in member.configuration.groups.items():
        trigger = member.jobs[names[0]].trigger
        if trigger is None or group in started or member.pipeline.depth >= MAX_CHILD_DEPTH:
            continue
        elsewhere = any(each.kind != "local" or "$" in each.value for each in trigger.include)
        if elsewhere and any(map(place.present, names)):
            made = any(each.kind == "artifact" for each in trigger.include)
            why = "a job makes its file" if made else "its file is not at hand"
            yield (member.jobs[names[0]].position, f"the child pipeline of job '{group}': {why}"), None


def _family(pipelines: list[Pipeline], subject: Subject) -> Family | None:
    context = subject.context
    family = Family(pipelines, context.default_branch, context.branch, context.branches)
    for member in family.members:
        for name in member.jobs:
            member.ways(name)
    return family


def _families(subject: Subject) -> Iterator[list[Pipeline]]:
    """Yield the pipelines that events start, each with those below it; what GitLab refuses is left out."""
    for top in subject.pipelines:
        if top.parent is None and _readable(top):
            below = [each for each in subject.pipelines if each is not top and _top(each) is top]
            yield [top, *filter(_readable, below)]


def _readable(pipeline: Pipeline) -> bool:
    return pipeline.configuration.is_valid or not pipeline.complete


def _top(pipeline: Pipeline) -> Pipeline:
    while pipeline.parent is not None:
        pipeline = pipeline.parent
    return pipeline
