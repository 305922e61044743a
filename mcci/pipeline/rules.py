"""`rules`: what a job, a workflow or an include says about when it applies, and whether that holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Any, Protocol

from mcci.findings import Position
from mcci.pipeline.document import Map
from mcci.pipeline.expressions import ExpressionError, Lookup, parse, present
from mcci.pipeline.variables import expand_existing, nested

MAX_CHANGES_COMPARISONS = 50_000
MAX_EXISTS_COMPARISONS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """`changes`: the paths one of which must have changed, compared with `compare_to` where that is given."""

    paths: tuple[str, ...]
    compare_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exists:
    """`exists`: the paths one of which must be in the repository (or in another `project`, at a `ref`)."""

    paths: tuple[str, ...]
    project: str | None = None
    ref: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One entry of `rules`. What is None is not said. `origin` is the mapping it was read from."""

    condition: str | None = None
    changes: Changes | None = None
    exists: Exists | None = None
    when: str | None = None
    allow_failure: bool | None = None
    start_in: str | None = None
    interruptible: bool | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[Any, ...] | None = None
    auto_cancel: Mapping[str, Any] | None = None
    origin: Map = field(compare=False, repr=False)

    @property
    def position(self) -> Position:
        """Return where the rule stands."""
        return self.origin.position()


class World(Protocol):
    """What rules ask about besides variables: the files changed, and the files there are."""

    def changed_paths(self, compare_to: str | None) -> tuple[str, ...] | None:
        """Return the changed files, or None when GitLab knows no difference (it then takes `changes` as true).

        Raises `RuleError` when `compare_to` is no ref of the project.
        """

    def existing_paths(self, project: str | None, ref: str | None) -> tuple[str, ...]:
        """Return the files of the repository, or of another project. Raises `RuleError` when that is not known."""


class RuleError(Exception):
    """A rule that cannot be evaluated, so that GitLab would create no pipeline."""


class Clause(Enum):
    """The parts of a rule that can keep it from matching."""

    IF = "if"
    CHANGES = "changes"
    EXISTS = "exists"


def failing_clause(rule: Rule, lookup: Lookup, world: World) -> Clause | None:
    """Return the first clause of the rule that does not hold, or None when the rule matches.

    Raises `RuleError` when a clause cannot be evaluated.
    """
    if rule.condition is not None and not _holds(rule.condition, lookup):
        return Clause.IF
    if rule.changes is not None and not changes_hold(rule.changes, lookup, world):
        return Clause.CHANGES
    if rule.exists is not None and not exists_hold(rule.exists, lookup, world):
        return Clause.EXISTS
    return None


def first_match(rules: tuple[Rule, ...], lookup: Lookup, world: World) -> int | None:
    """Return the index of the first rule that matches, or None."""
    for index, rule in enumerate(rules):
        if failing_clause(rule, lookup, world) is None:
            return index
    return None


def _holds(condition: str, lookup: Lookup) -> bool:
    try:
        return present(parse(condition).evaluate(lookup))
    except ExpressionError:
        return False


def changes_hold(changes: Changes, lookup: Lookup, world: World) -> bool:
    """Return whether one of the changed files is one that `changes` names."""
    expanded = nested(lookup)
    compare_to = None if changes.compare_to is None else expand_existing(changes.compare_to, expanded)
    changed = world.changed_paths(compare_to)
    if changed is None:
        return True
    patterns = list(dict.fromkeys(expand_existing(path, expanded) for path in changes.paths))
    if len(changed) * len(patterns) > MAX_CHANGES_COMPARISONS:
        return True
    return _any_matches(tuple(patterns), changed)


def exists_hold(exists: Exists, lookup: Lookup, world: World) -> bool:
    """Return whether one of the repository's files is one that `exists` names."""
    project = None if exists.project is None else expand_existing(exists.project, lookup)
    ref = None if exists.ref is None else expand_existing(exists.ref, lookup)
    paths = world.existing_paths(project, ref)
    patterns = [expand_existing(path, lookup) for path in exists.paths]
    if all("/" not in path and "**" not in path for path in exists.paths):
        paths = tuple(path for path in paths if "/" not in path)
    exact = {pattern for pattern in patterns if not set(pattern) & set("*?[{")}
    if exact and not exact.isdisjoint(paths):
        return True
    wild = [pattern for pattern in patterns if pattern not in exact]
    suffixes = tuple(suffix for pattern in wild if (suffix := _suffix(pattern)))
    if suffixes and any(path.endswith(suffixes) for path in paths):
        return True
    wild = [pattern for pattern in wild if not _suffix(pattern)]
    if len(wild) * len(paths) > MAX_EXISTS_COMPARISONS:
        return True
    return _any_matches(tuple(wild), paths)


def _suffix(pattern: str) -> str:
    """Return `.js` for `**/*.js`: GitLab compares such patterns by the end of the path alone."""
    rest = pattern.removeprefix("**/*")
    return rest if rest.startswith(".") and "/" not in rest and not set(rest) & set("*?[{") else ""


@lru_cache(maxsize=4096)
def _any_matches(patterns: tuple[str, ...], paths: tuple[str, ...]) -> bool:
    from mcci.pipeline import globs

    return any(globs.matches(pattern, path) for pattern in patterns for path in paths)
