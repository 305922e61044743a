"""From a box of events to one of them, the plainest, and the `mcci simulate` that shows it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from mcci.check.proofs import languages
from mcci.check.proofs.event_space import EventSpace, Kind, Seen
from mcci.check.proofs.space import Box, Dimension, allowed
from mcci.pipeline import globs
from mcci.simulation.events import Event, MergeRequestKind, ProjectVariable, Source
from mcci.simulation.report import event_text

USUAL_TAG = "v1.0.0"
_COMMANDS = {
    Source.PUSH: "push",
    Source.MERGE_REQUEST: "merge-request",
    Source.SCHEDULE: "schedule",
    Source.WEB: "web",
    Source.API: "api",
    Source.TRIGGER: "trigger",
    Source.PIPELINE: "pipeline",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """One event that shows something, with what the project's settings have to be for it.

    `existing` and `missing` are patterns of files that there are, and are not, in the checkout.
    """

    event: Event
    settings: tuple[ProjectVariable, ...] = ()
    protected: tuple[str, ...] | None = None
    default_branch: str = "main"
    existing: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    cost: tuple[int, ...] = ()

    def text(self) -> str:
        """Return the event in words: what happens, with which variables, and which files changed."""
        parts = [event_text(self.event)]
        if self.event.open_merge_requests and self.event.merge_request is None:
            parts.append("while it has an open merge request")
        variables = {**{each.key: each.value for each in self.settings}, **self.event.variables}
        if variables:
            parts.append("with " + " and ".join(f"${key} set to '{value}'" for key, value in variables.items()))
        if self.event.changes is not None:
            files = ", ".join(f"'{file}'" for file in self.event.changes) or "no file"
            parts.append(f"that changes {files}")
        for ref, compared in self.event.compared.items():
            named = ", ".join(f"'{file}'" for file in compared) or "no file"
            parts.append(f"whose difference to '{ref}' is {named}")
        if self.existing:
            parts.append(f"where there is {', '.join(self.existing)}")
        if self.missing:
            parts.append(f"where there is no {', '.join(self.missing)}")
        return " ".join(parts)

    def command(self, checkout: Iterable[str] = ()) -> str | None:
        """Return the `mcci simulate` of it, `checkout` saying where the files are; None where it cannot be told so."""
        name = _COMMANDS.get(self.event.source)
        if name is None or self.event.compared:
            return None
        words = ["mcci", "simulate", "tag" if name == "push" and self.event.tag else name, *self._refs()]
        for key, value in self.event.variables.items():
            words += ["--variable", f"{key}={value}"]
        for each in self.settings:
            words += ["--project-variable", f"{each.key}={each.value}"]
        if self.event.changes:
            words += ["--changes", *self.event.changes]
        elif self.event.changes is not None:
            words.append("--no-changes")
        if self.protected is not None:
            words += ["--protected", *(self.protected or ("no-branch",))]
        options = list(checkout)
        if self.default_branch != ("master" if "--branches" in options else "main"):
            words += ["--default-branch", self.default_branch]
        return shlex.join([*words, *options])

    def _refs(self) -> Iterator[str]:
        request = self.event.merge_request
        if request is None:
            yield from ("--tag" if self.event.tag else "--branch", self.event.ref)
            if self.event.open_merge_requests:
                yield "--open-merge-request"
            return
        yield from ("--source", request.source, "--target", request.target)
        if request.fork is not None:
            yield from ("--fork", request.fork)
        if request.kind is MergeRequestKind.MERGED_RESULT:
            yield "--merged-result"
        if request.draft:
            yield "--draft"


def plainest(boxes: Iterable[Box], space: EventSpace) -> Witness | None:
    """Return the plainest event in some boxes, or None when they hold none after all.

    A box may hold no event: no file changes so that one pattern sees it and another, wider one does not; and no merge
    request is from a branch into the same one. Raises `Unsupported` when that cannot be told.
    """
    ranked = sorted(((cost(box), index, box) for index, box in enumerate(boxes)), key=lambda entry: entry[:2])
    return next((found for _, _, box in ranked if (found := witness(box, space)) is not None), None)


def cost(box: Box) -> int:
    """Return how much an event in the box has to say: the less, the plainer."""
    return sum(mask & -mask != 1 and 1 + ((mask & -mask).bit_length() - 1) for mask in box.values())


def witness(box: Box, space: EventSpace) -> Witness | None:
    """Return the plainest event in a box, or None when it holds none."""
    point: dict[Dimension, Any] = {dimension: next(allowed(box, dimension)) for dimension in box}
    kind: Kind = point.setdefault(space.kind, space.kind.values[0])
    if kind.merge_request and not _two_branches(box, point, space):
        return None
    if kind.tag:
        point[space.ref] = _tag(box, space)
    changed = _changed(box)
    there = _files({seen: mask for seen, mask in _seen(box) if seen.there})
    if changed is None or there is None:
        return None
    event = replace(space.event(point), changes=changed.get(None), compared=_compared(changed))
    variables, settings = _variables(box, space, kind)
    existing = [seen.paths for seen, mask in _seen(box) if seen.there and mask == 2]
    missing = [seen.paths for seen, mask in _seen(box) if seen.there and mask == 1]
    return Witness(
        event=replace(event, variables=variables),
        settings=settings,
        protected=_protected(point, space, event),
        default_branch=space.default_branch,
        existing=tuple(", ".join(sorted(paths)) for paths in existing),
        missing=tuple(" or ".join(sorted(paths)) for paths in missing),
    )


def _two_branches(box: Box, point: dict[Dimension, Any], space: EventSpace) -> bool:
    """Choose the source and the target of a merge request; say whether there are two different ones."""
    sources, targets = list(allowed(box, space.ref)), list(allowed(box, space.target))
    usual = [name for name in sources if name not in space.branches] or sources
    for source in [*usual, *sources]:
        for target in targets:
            if source != target or point.get(space.fork):
                point[space.ref], point[space.target] = source, target
                return True
    return False


def _tag(box: Box, space: EventSpace) -> str:
    """Return a tag's name, one that is no branch's where there is a choice."""
    if space.ref not in box:
        return USUAL_TAG
    names = list(allowed(box, space.ref))
    return next((str(name) for name in names if name not in space.branches), str(names[0]))


def _protected(point: Mapping[Dimension, Any], space: EventSpace, event: Event) -> tuple[str, ...] | None:
    if space.protected not in point and space.target_protected not in point:
        return None
    names = [event.ref] if point.get(space.protected) else []
    if event.merge_request is not None and point.get(space.target_protected):
        names.append(event.merge_request.target)
    return tuple(names)


def _variables(box: Box, space: EventSpace, kind: Kind) -> tuple[dict[str, str], tuple[ProjectVariable, ...]]:
    given: dict[str, str] = {}
    settings: dict[str, str] = {}
    for name, dimension in space.settings.items():
        value = next(allowed(box, dimension)) if dimension in box else None
        if value is not None:
            alone = name not in space.usage.children and not kind.merge_request
            (given if alone else settings)[name] = value
        other = space.given.get(name)
        value = next(allowed(box, other)) if other is not None and other in box else None
        if value is not None:
            given[name] = value
    return given, tuple(ProjectVariable(key=key, value=value) for key, value in settings.items())


def _compared(changed: Mapping[str | None, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return the differences to named refs, where they are others than the event's own changes."""
    own = changed.get(None)
    return {ref: files for ref, files in changed.items() if ref is not None and own is not None and files != own}


def _changed(box: Box) -> dict[str | None, tuple[str, ...]] | None:
    """Return the changed files, against each ref that rules name (None: as the event itself compares)."""
    found: dict[str | None, tuple[str, ...]] = {}
    by_ref: dict[str | None, dict[Seen, int]] = {}
    for seen, mask in _seen(box):
        if not seen.there:
            by_ref.setdefault(seen.ref, {})[seen] = mask
    for ref, asked in by_ref.items():
        files = _files(asked)
        if files is None:
            return None
        plain = None if ref is None else ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
        found[plain] = files
    if None not in found and found:
        same = set(found.values())
        if len(same) == 1:  # one set of files tells it all
            return {None: same.pop()}
        found[None] = next(iter(found.values()))
    return found


def _seen(box: Box) -> list[tuple[Seen, int]]:
    return [(each, mask) for each, mask in box.items() if isinstance(each, Seen)]


def _files(asked: Mapping[Seen, int]) -> tuple[str, ...] | None:
    """Return files of which those patterns see one that should, and no others; None when there are none such."""
    wanted = [seen.paths for seen, mask in asked.items() if mask == 2]
    unwanted = frozenset(path for seen, mask in asked.items() if mask == 1 for path in seen.paths)
    files: dict[str, None] = {}
    for paths in wanted:
        if any(globs.matches(path, file) for file in files for path in paths):
            continue
        file = file_between(paths, unwanted)
        if file is None:
            return None
        files[file] = None
    return tuple(files)


@lru_cache(maxsize=65536)
def file_between(wanted: frozenset[str], unwanted: frozenset[str]) -> str | None:
    """Return a path that one of the `wanted` patterns names and none of the `unwanted`, None when there is none.

    Raises `Unsupported` when the patterns are too large to tell.
    """

    def fits(path: str) -> bool:
        named = any(globs.matches(each, path) for each in wanted)
        return named and not any(globs.matches(each, path) for each in unwanted)

    for pattern in sorted(wanted):
        for one in globs.expand_braces(pattern)[:20]:
            example = one.replace("**/", "").replace("**", "*").replace("*", "file").replace("?", "x")
            if fits(example):
                return example
    inside = languages.of_globs([one for pattern in sorted(wanted) for one in globs.expand_braces(pattern)])
    outside = [one for pattern in sorted(unwanted) for one in globs.expand_braces(pattern)]
    path = languages.first_text(inside, languages.of_globs(outside) if outside else None)
    if path is not None and not fits(path):
        raise languages.Unsupported("a pattern of paths means something else to GitLab than to this proof")
    return path
