"""From YAML to `variables`: a text or a number each, or a mapping with its settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mcci.findings import Position
from mcci.pipeline.document import List, Map
from mcci.pipeline.scalars import scalar_text
from mcci.pipeline.variables import Variable

Report = Callable[[str, str, Position], None]


def read_variables(value: Any, holder: Map, owner: str, report: Report) -> Mapping[str, Variable]:
    """Return the variables of `holder`'s `variables` keyword; what GitLab would refuse is reported."""
    if not isinstance(value, Map):
        message = f"{owner}: variables should be a mapping of names to values"
        report("variables", message, holder.value_position("variables"))
        return {}
    variables: dict[str, Variable] = {}
    for key, item in value.items():
        if isinstance(item, Map):
            variables[key] = _detailed(key, item, owner, report)
        elif isinstance(item, List):
            report(
                "variables", f"{owner}: the variable '{key}' should be a text or a number", value.value_position(key)
            )
        else:
            variables[key] = Variable(key=key, value=scalar_text(item))
    return variables


def _detailed(key: str, item: Map, owner: str, report: Report) -> Variable:
    for setting in item:
        if setting not in ("value", "description", "expand", "options"):
            message = f"{owner}: the variable '{key}' has no setting '{setting}'"
            report("unknown-keyword", message, item.position(setting))
    text = scalar_text(item.get("value")) if not isinstance(item.get("value"), Map | List) else ""
    options = tuple(scalar_text(option) for option in _listed(item.get("options")))
    if options and text not in options:
        report("variables", f"{owner}: the value of '{key}' is not among its options", item.position("value"))
    description = item.get("description")
    return Variable(
        key=key,
        value=text,
        raw=item.get("expand") is False,
        description=None if description is None else str(description),
        options=options,
    )


def _listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list) else [value]
