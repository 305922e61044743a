"""Whether `only` and `except` hold for an event.

https://docs.gitlab.com/ci/yaml/deprecated_keywords/#onlyrefs--exceptrefs
"""

from __future__ import annotations

from mcci.pipeline.expressions import Lookup, is_true
from mcci.pipeline.expressions.patterns import pattern_of
from mcci.pipeline.policies import Policy
from mcci.pipeline.rules import Changes, World, changes_hold
from mcci.simulation.events import Event, Project


def only_holds(policy: Policy, project: Project, event: Event, lookup: Lookup, world: World) -> bool:
    """Return whether every part of an `only` holds."""
    return all(_parts(policy, project, event, lookup, world))


def except_holds(policy: Policy, project: Project, event: Event, lookup: Lookup, world: World) -> bool:
    """Return whether some part of an `except` holds."""
    return any(_parts(policy, project, event, lookup, world))


def _parts(policy: Policy, project: Project, event: Event, lookup: Lookup, world: World) -> list[bool]:
    parts: list[bool] = []
    if policy.refs is not None:
        parts.append(any(ref_matches(ref, project, event) for ref in policy.refs))
    if policy.variables is not None:
        parts.append(any(is_true(expression, lookup) for expression in policy.variables))
    if policy.changes is not None:
        parts.append(changes_hold(Changes(paths=policy.changes), lookup, world))
    if policy.kubernetes is not None:
        parts.append(False)
    return parts


def ref_matches(pattern: str, project: Project, event: Event) -> bool:
    """Return whether an event is what one entry of `refs` names: a ref, a `/pattern/`, or a kind of pipeline."""
    name, _, path = pattern.partition("@")
    if path and path != project.path:
        return False
    is_branch = not event.tag and event.merge_request is None
    if name == "branches":
        return is_branch
    if name == "tags":
        return event.tag
    kind = event.source.value.removesuffix("_event")
    if name in (kind, f"{kind}es" if kind.endswith("sh") else f"{kind}s"):
        return True
    if event.merge_request is not None:
        return False
    if name.startswith("/"):
        compiled = pattern_of(name)
        if compiled is not None:
            return compiled.matches(event.ref)
    return name == event.ref
