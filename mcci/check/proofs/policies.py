"""`only` and `except`: the events in which they let a job into its pipeline.

https://docs.gitlab.com/ci/yaml/deprecated_keywords/#only--except
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mcci.check.proofs.conditions import changes_hold, expression_holds
from mcci.check.proofs.scopes import Scope
from mcci.check.proofs.space import Box, answers, bounded, question
from mcci.pipeline.jobs import Job
from mcci.pipeline.policies import DEFAULT_ONLY, Policy
from mcci.simulation.policies import ref_matches


def by_policies(job: Job, boxes: list[Box], scope: Scope, *, by_default: bool) -> Iterator[tuple[Box, bool]]:
    """Yield the parts of `boxes`, each with whether a job without rules is there, as its `only` and `except` say.

    `by_default`, where the workflow has no rules: without `only` it is there on branches and tags alone.
    """
    only = job.only
    if only is None and by_default:
        only = DEFAULT_ONLY
    if only is not None and only.refs is None:
        only = replace(only, refs=DEFAULT_ONLY.refs)
    for box in boxes:
        for part, allowed in _policy(only, box, scope, every=True) if only is not None else [(box, True)]:
            if not allowed or job.except_ is None:
                yield part, allowed
                continue
            yield from ((inner, not out) for inner, out in _policy(job.except_, part, scope, every=False))


def _policy(policy: Policy, box: Box, scope: Scope, *, every: bool) -> Iterator[tuple[Box, bool]]:
    """Yield the parts of a box, each with whether `every` part of a policy, or some part of it, holds there."""
    waiting: list[tuple[Box, int]] = [(box, 0)]
    while waiting:
        current, index = waiting.pop()
        parts = list(_part(policy, index, current, scope))
        if not parts:
            yield current, every
        for inner, holds in parts:
            if holds is every:
                waiting.append((inner, index + 1))
                bounded(waiting)
            else:
                yield inner, holds


def _part(policy: Policy, index: int, box: Box, scope: Scope) -> Iterator[tuple[Box, bool]]:
    """Yield the answers of the `index`-th part that the policy has; nothing behind the last one."""
    parts = [name for name in ("refs", "variables", "changes", "kubernetes") if getattr(policy, name) is not None]
    if index >= len(parts):
        return
    match parts[index]:
        case "refs":
            yield from _refs(policy.refs or (), box, scope)
        case "variables":
            yield from _some(policy.variables or (), box, scope)
        case "changes":
            yield from changes_hold(policy.changes or (), None, box, scope)
        case _:
            yield box, False


def _refs(refs: tuple[str, ...], box: Box, scope: Scope) -> Iterator[tuple[Box, bool]]:
    space = scope.space
    key = ("refs", refs)
    if key not in scope.questions:
        scope.questions[key] = question(
            (space.kind, space.ref),
            lambda point: any(ref_matches(ref, space.project, space.event(point, child=scope.child)) for ref in refs),
        )
    yield from answers(box, scope.questions[key])


def _some(expressions: tuple[str, ...], box: Box, scope: Scope) -> Iterator[tuple[Box, bool]]:
    waiting = [box]
    for expression in expressions:
        left: list[Box] = []
        for one in waiting:
            for part, holds in expression_holds(expression, one, scope):
                if holds:
                    yield part, True
                else:
                    left.append(part)
                    bounded(left)
        waiting = left
    yield from ((part, False) for part in waiting)
