"""`spec:inputs`: the typed parameters that a configuration file declares, and their values.

https://docs.gitlab.com/ci/inputs/
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mcci.findings import Position
from mcci.pipeline.document import List, Map
from mcci.pipeline.expressions.patterns import compile_regex

_TYPES = ("string", "number", "boolean", "array")
_KEYS = {"default", "description", "options", "regex", "type", "rules"}
MAX_OPTIONS = 50

Report = Callable[[str, str, Position], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One declared input. Without a default it must be given. `rules` are its `spec:inputs:rules`, as written."""

    name: str
    type: str
    required: bool
    default: Any
    options: tuple[Any, ...] | None
    regex: str | None
    description: str | None
    rules: tuple[Map, ...] = ()
    position: Position


def declared_inputs(header: Map, report: Report) -> dict[str, Input]:
    """Return the inputs that a file's header declares, by name."""
    spec = header.get("spec")
    if spec is not None and not isinstance(spec, Map):
        report("spec-inputs", "spec should be a mapping with inputs", header.position("spec"))
        return {}
    declared = None if spec is None else spec.get("inputs")
    if spec is None or declared is None:
        return {}
    if not isinstance(declared, Map):
        report("spec-inputs", "spec:inputs should be a mapping of input names", spec.position("inputs"))
        return {}
    return {str(name): _declared(declared, str(name), report) for name in declared}


def _declared(inputs: Map, name: str, report: Report) -> Input:
    config, position = inputs[name], inputs.position(name)
    settings: Mapping[str, Any] = {}
    if isinstance(config, Map):
        settings = config
        for key in config:
            if key not in _KEYS:
                report("spec-inputs", f"`{name}` input: unknown keyword '{key}'", config.position(key))
    elif config is not None:
        report("spec-inputs", f"`{name}` input: should be a mapping, or empty", position)
    kind = settings.get("type", "string")
    if kind not in _TYPES:
        report("spec-inputs", f"`{name}` input: type should be one of {', '.join(_TYPES)}", position)
        kind = "string"
    regex = settings.get("regex")
    if regex is not None and kind != "string":
        report("spec-inputs", f"`{name}` input: only a string can have a regex", position)
    options = settings.get("options")
    if options is not None and (not isinstance(options, List) or kind in ("boolean", "array")):
        report("spec-inputs", f"`{name}` input: options are a list, of a string or a number", position)
    if isinstance(options, List) and len(options) > MAX_OPTIONS:
        report("spec-inputs", f"`{name}` input: more than {MAX_OPTIONS} options, GitLab's limit", position)
    rules = settings.get("rules")
    return Input(
        name=name,
        type=kind,
        required="default" not in settings and not _gives_default(rules),
        default=settings.get("default"),
        options=tuple(options) if isinstance(options, List) else None,
        regex=regex if isinstance(regex, str) and kind == "string" else None,
        description=settings.get("description"),
        rules=tuple(rule for rule in rules if isinstance(rule, Map)) if isinstance(rules, List) else (),
        position=position,
    )


def _gives_default(rules: Any) -> bool:
    if not isinstance(rules, List):
        return False
    return any(isinstance(rule, Map) and ("default" in rule or "if" not in rule) for rule in rules)


def resolve_inputs(
    declared: Mapping[str, Input], given: Mapping[str, Any], report: Report, where: Position
) -> dict[str, Any]:
    """Return each declared input's value: the one given, else its default. What GitLab would refuse is reported.

    A text is read as JSON where a number, a boolean or a list is declared; anything is written out where a text is.
    """
    unknown = [name for name in given if name not in declared]
    if unknown:
        report("inputs", f"unknown input arguments: {', '.join(map(str, unknown))}", where)
    resolved: dict[str, Any] = {}
    for name, one in declared.items():
        value = given.get(name)
        if value is None and one.required:
            report("inputs", f"`{name}` input: required value has not been provided", where)
            resolved[name] = None
            continue
        options, default = _by_rules(one, resolved)
        typed_default = None if one.required else _coerced(one, default)
        if not one.required:
            _check(one, typed_default, options, "default value", report, one.position)
        resolved[name] = typed_default
        if value is not None:
            resolved[name] = _coerced(one, value)
            _check(one, resolved[name], options, "provided value", report, where)
    return resolved


def _check(
    one: Input, value: Any, options: tuple[Any, ...] | None, source: str, report: Report, where: Position
) -> None:
    """Report a value that is not of the input's type, or not among its options, or does not match its pattern."""
    if not _is_of_type(one.type, value):
        report("inputs", f"`{one.name}` input: {source} is not {_a(one.type)}", where)
        return
    if options is not None and value not in [_coerced(one, option) for option in options]:
        message = f"`{value}` cannot be used because it is not in the list of allowed options"
        report("inputs", f"`{one.name}` input: {message}", where)
    if one.regex is None:
        return
    compiled = compile_regex(one.regex)
    if compiled is None:
        report("inputs", f"`{one.name}` input: invalid regular expression {one.regex}", one.position)
    elif not compiled.search(value):
        report("inputs", f"`{one.name}` input: {source} does not match required RegEx pattern {one.regex}", where)


def _by_rules(one: Input, resolved: Mapping[str, Any]) -> tuple[tuple[Any, ...] | None, Any]:
    """Return the options and the default that hold, given the inputs declared before this one."""
    from mcci.pipeline.expressions import is_true

    def lookup(name: str) -> Any:
        return resolved.get(name.removeprefix("inputs."))

    for rule in one.rules:
        condition = rule.get("if")
        if condition is None or (isinstance(condition, str) and is_true(condition, lookup)):
            options, default = rule.get("options"), rule.get("default")
            return tuple(options) if isinstance(
                options, List
            ) else one.options, one.default if default is None else default
    return one.options, one.default


def _coerced(one: Input, value: Any) -> Any:
    if one.type != "string":
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            return value
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, bool | list | dict) else str(value)


def _is_of_type(kind: str, value: Any) -> bool:
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, list if kind == "array" else str)


def _a(kind: str) -> str:
    return f"an {kind}" if kind == "array" else f"a {kind}"
