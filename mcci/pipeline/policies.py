"""`only` and `except`, GitLab's older way to say when a job runs.

https://docs.gitlab.com/ci/yaml/deprecated_keywords/#only--except
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mcci.findings import Position
from mcci.pipeline.document import List, Map
from mcci.pipeline.expressions import ExpressionError, parse
from mcci.pipeline.expressions.patterns import pattern_of

Report = Callable[[str, str, Position], None]

_KEYS = ("refs", "variables", "changes", "kubernetes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Refs (names, `/patterns/`, or kinds of pipelines), expressions and changed paths; what is None is not said."""

    refs: tuple[str, ...] | None = None
    variables: tuple[str, ...] | None = None
    changes: tuple[str, ...] | None = None
    kubernetes: str | None = None


DEFAULT_ONLY = Policy(refs=("branches", "tags"))


def read_policy(value: Any, where: Position, owner: str, report: Report) -> Policy:
    """Return what `only` or `except` says; what GitLab would refuse is reported."""
    if isinstance(value, str | List):
        return Policy(refs=_texts(value, where, owner, report))
    if not isinstance(value, Map):
        report("policy", f"{owner} should be a list of refs, or a mapping", where)
        return Policy()
    for key in value:
        if key not in _KEYS:
            report("unknown-keyword", f"{owner} has no keyword '{key}'", value.position(key))

    def texts(key: str) -> tuple[str, ...] | None:
        return _texts(value[key], value.value_position(key), f"{owner}:{key}", report) if key in value else None

    policy = Policy(
        refs=texts("refs"), variables=texts("variables"), changes=texts("changes"), kubernetes=value.get("kubernetes")
    )
    for expression in policy.variables or ():
        try:
            parse(expression)
        except ExpressionError as error:
            report("rules-if", f"{owner}: invalid expression syntax: {error}", value.value_position("variables"))
    return policy


def _texts(value: Any, where: Position, owner: str, report: Report) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else list(value) if isinstance(value, List) else None
    if items is None or not all(isinstance(item, str) for item in items):
        report("policy", f"{owner} should be a list of texts", where)
        return ()
    for item in items:
        if item.startswith("/") and pattern_of(item.partition("@")[0]) is None:
            report("policy", f"{owner}: {item} is not a regular expression that RE2 takes", where)
    return tuple(items)
