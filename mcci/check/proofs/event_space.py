"""Everything that an event decides, as dimensions: its kind, its branch, what a merge request joins, what people set.

What GitLab's predefined variables say of a point in this space is asked of the simulation, so that both agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mcci.check.proofs import values
from mcci.check.proofs.space import Dimension, Point
from mcci.check.proofs.usage import Usage
from mcci.pipeline.files import MemoryFiles
from mcci.simulation.events import Event, MergeRequest, MergeRequestKind, Project, Source
from mcci.simulation.predefined import pipeline_variables


@dataclass(frozen=True, slots=True, eq=False)
class Seen(Dimension):
    """Whether one of the files that some patterns name changed, against a ref where one is given, or is `there`."""

    paths: frozenset[str]
    ref: str | None = None
    there: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of event: its source, and whether it is about a tag."""

    source: Source
    tag: bool = False

    @property
    def merge_request(self) -> bool:
        """Return whether it is a merge request's."""
        return self.source is Source.MERGE_REQUEST


PUSH, MERGE_REQUEST = Kind(Source.PUSH), Kind(Source.MERGE_REQUEST)
_STARTED = (Source.WEB, Source.SCHEDULE, Source.TRIGGER, Source.API, Source.PIPELINE)
KINDS = (
    PUSH,
    MERGE_REQUEST,
    Kind(Source.PUSH, tag=True),
    *map(Kind, _STARTED),
    *(Kind(source, tag=True) for source in _STARTED),
    *map(Kind, (Source.WEBIDE, Source.CHAT, Source.EXTERNAL, Source.EXTERNAL_PULL_REQUEST)),
)
FORK = "fork/project"

_MERGE_REQUEST = "CI_MERGE_REQUEST_"
_ROLES: Mapping[str, tuple[str, ...]] = {
    "CI": (),
    "GITLAB_CI": (),
    "CI_DEFAULT_BRANCH": (),
    "CI_PIPELINE_SOURCE": ("kind",),
    "CI_PIPELINE_TRIGGERED": ("kind",),
    "CI_COMMIT_BRANCH": ("kind", "ref"),
    "CI_COMMIT_TAG": ("kind", "ref"),
    "CI_COMMIT_REF_NAME": ("ref",),
    "CI_COMMIT_REF_SLUG": ("ref",),
    "CI_COMMIT_REF_PROTECTED": ("protected",),
    "CI_OPEN_MERGE_REQUESTS": ("kind", "open"),
    "CI_PROJECT_ID": (),
    "CI_PROJECT_PATH": (),
    "CI_PROJECT_URL": (),
    f"{_MERGE_REQUEST}ID": ("kind",),
    f"{_MERGE_REQUEST}IID": ("kind",),
    f"{_MERGE_REQUEST}PROJECT_ID": ("kind",),
    f"{_MERGE_REQUEST}PROJECT_PATH": ("kind",),
    f"{_MERGE_REQUEST}PROJECT_URL": ("kind",),
    f"{_MERGE_REQUEST}REF_PATH": ("kind", "merge_request_kind"),
    f"{_MERGE_REQUEST}EVENT_TYPE": ("kind", "merge_request_kind"),
    f"{_MERGE_REQUEST}SOURCE_BRANCH_SHA": ("kind", "merge_request_kind"),
    f"{_MERGE_REQUEST}TARGET_BRANCH_SHA": ("kind", "merge_request_kind"),
    f"{_MERGE_REQUEST}DRAFT": ("kind", "draft"),
    f"{_MERGE_REQUEST}SOURCE_BRANCH_NAME": ("kind", "ref"),
    f"{_MERGE_REQUEST}SOURCE_BRANCH_PROTECTED": ("kind", "protected"),
    f"{_MERGE_REQUEST}SOURCE_PROJECT_ID": ("kind", "fork"),
    f"{_MERGE_REQUEST}SOURCE_PROJECT_PATH": ("kind", "fork"),
    f"{_MERGE_REQUEST}SOURCE_PROJECT_URL": ("kind", "fork"),
    f"{_MERGE_REQUEST}TARGET_BRANCH_NAME": ("kind", "target"),
    f"{_MERGE_REQUEST}TARGET_BRANCH_PROTECTED": ("kind", "target_protected"),
}
_OF_THE_PROJECT = frozenset(("CI_PROJECT_ID", "CI_PROJECT_PATH", "CI_PROJECT_URL", "CI_DEFAULT_BRANCH"))
_REF_NAMES = (
    "CI_COMMIT_BRANCH",
    "CI_COMMIT_TAG",
    "CI_COMMIT_REF_NAME",
    "CI_COMMIT_REF_SLUG",
    "CI_DEFAULT_BRANCH",
    f"{_MERGE_REQUEST}SOURCE_BRANCH_NAME",
    f"{_MERGE_REQUEST}TARGET_BRANCH_NAME",
)


class EventSpace:
    """The dimensions of the events that a family of pipelines can tell apart; made as they are asked for."""

    def __init__(self, usage: Usage, default_branch: str, branches: Sequence[str]) -> None:
        self.usage = usage
        self.default_branch = default_branch
        self.branches = tuple(dict.fromkeys([default_branch, *branches]))
        self.project = Project(files=lambda _ref: MemoryFiles({}), default_branch=default_branch)
        asked = usage.refs
        for name in _REF_NAMES:
            asked.add(usage.of(name))
        self.kind = Dimension("the kind of event", KINDS)
        self.ref = Dimension("the branch or tag", values.of_refs(asked, self.branches, values.SOURCES))
        self.target = Dimension("the target branch", values.of_refs(asked, self.branches, values.TARGETS))
        self.fork = Dimension("a fork", (False, True))
        self.merge_request_kind = Dimension("the kind of merge request", tuple(MergeRequestKind))
        self.draft = Dimension("a draft", (False, True))
        self.open = Dimension("an open merge request", (False, True))
        self.protected = Dimension("a protected ref", (False, True))
        self.target_protected = Dimension("a protected target", (False, True))
        self.given: dict[str, Dimension] = {}
        self.settings: dict[str, Dimension] = {}
        self.changes: dict[tuple[frozenset[str], str | None], Seen] = {}
        self.exists: dict[tuple[frozenset[str], str | None, str | None], Seen] = {}
        self._events: dict[tuple[Any, ...], dict[str, str]] = {}

    def decides(self, name: str) -> bool:
        """Say whether the event alone decides a predefined variable, so that no person sets it."""
        if name in _OF_THE_PROJECT and self.usage.of(name).texts:
            return name == "CI_DEFAULT_BRANCH"  # which project this is, is then an open question
        return name in _ROLES

    def set_by_people(self, name: str, *, child: bool) -> tuple[Dimension, ...]:
        """Return the dimensions of a variable that the event does not decide.

        They are the kind of event, the value given to the pipeline, and that in the project's settings; a child
        pipeline sees the settings only. Where no child asks for it, both are the same.
        """
        if name not in self.settings:
            known = values.of_variable(self.usage.of(name))
            self.settings[name] = Dimension(f"the variable {name}", known)
            if name in self.usage.children and name in self.usage.parents:
                self.given[name] = Dimension(f"the pipeline's variable {name}", known)
        asked: tuple[Dimension, ...] = (self.settings[name],)
        if name in self.given and not child:
            asked = (self.kind, self.given[name], *asked)
        elif name.startswith(_MERGE_REQUEST):
            asked = (self.kind, *asked)
        return asked

    def set_value(self, name: str, point: Point, *, child: bool) -> str | None:
        """Return what people set a variable to, at a point with the dimensions of `set_by_people`."""
        kind = point.get(self.kind)
        if name.startswith(_MERGE_REQUEST) and isinstance(kind, Kind) and not kind.merge_request:
            return None
        given = None
        if name in self.given and not child and isinstance(kind, Kind) and not kind.merge_request:
            given = point[self.given[name]]
        value = point[self.settings[name]] if given is None else given
        return None if value is None else str(value)

    def predefined_by(self, name: str) -> tuple[Dimension, ...]:
        """Return the dimensions that decide a predefined variable."""
        return tuple(getattr(self, role) for role in _ROLES.get(name, ()))

    def predefined(self, name: str, point: Point, *, child: bool) -> str | None:
        """Return a predefined variable's value at a point with the dimensions of `predefined_by`."""
        if child and name == "CI_PIPELINE_SOURCE":
            return Source.PARENT_PIPELINE.value
        known = tuple((role, point[role]) for role in self.predefined_by(name))
        key = tuple((role.name, value) for role, value in known)
        if key not in self._events:
            event = self.event(dict(known))
            protected = [event.ref] if point.get(self.protected) else []
            if event.merge_request is not None and point.get(self.target_protected):
                protected.append(event.merge_request.target)
            self._events[key] = pipeline_variables(replace(self.project, protected=tuple(protected)), event)
        return self._events[key].get(name)

    def event(self, point: Point, *, child: bool = False) -> Event:
        """Return the event at a point, with the plainest values where the point says nothing."""

        def value(dimension: Dimension) -> Any:
            return point.get(dimension, dimension.values[0])

        kind: Kind = value(self.kind)
        ref = value(self.ref)
        request = None
        if kind.merge_request:
            request = MergeRequest(
                source=ref,
                target=value(self.target),
                kind=value(self.merge_request_kind),
                fork=FORK if value(self.fork) else None,
                draft=value(self.draft),
            )
        return Event(
            source=Source.PARENT_PIPELINE if child else kind.source,
            ref=ref,
            tag=kind.tag,
            merge_request=request,
            open_merge_requests=(f"{self.project.path}!1",) if value(self.open) and not kind.tag else (),
        )

    def changed(self, paths: frozenset[str], compare_to: str | None) -> Dimension:
        """Return the dimension of whether a file that some patterns name changed."""
        key = (paths, compare_to)
        if key not in self.changes:
            self.changes[key] = Seen(f"changes of {', '.join(sorted(paths))}", (False, True), paths, compare_to)
        return self.changes[key]

    def existing(self, paths: frozenset[str], project: str | None, ref: str | None) -> Dimension:
        """Return the dimension of whether there is a file that some patterns name."""
        key = (paths, project, ref)
        if key not in self.exists:
            self.exists[key] = Seen(f"files {', '.join(sorted(paths))}", (False, True), paths, there=True)
        return self.exists[key]
