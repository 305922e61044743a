"""Values that are known only when GitLab creates the pipeline, so that no rule may judge them by their text."""

from __future__ import annotations

from mcci.pipeline.document import List, Map, Reference


def is_open(value: object) -> bool:
    """Say whether `value` itself is known only later: a `!reference`, or text with an input's interpolation."""
    return isinstance(value, Reference) or (isinstance(value, str) and "$[[" in value)


def holds_open(value: object) -> bool:
    """Say whether `value`, or anything in it, is known only later."""
    if is_open(value):
        return True
    if isinstance(value, Map):
        return any(holds_open(item) for item in value.values())
    return isinstance(value, List) and any(holds_open(item) for item in value)
