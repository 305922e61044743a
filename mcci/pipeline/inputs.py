"""`spec:inputs`: the typed parameters of a configuration file, and `$[[ inputs.name ]]` filled in with them.

https://docs.gitlab.com/ci/inputs/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mcci.findings import Position
from mcci.pipeline.document import List, Map
from mcci.pipeline.expressions.patterns import compile_regex
from mcci.pipeline.input_functions import FunctionError, apply

BLOCK = re.compile(r"\$\[\[(.*?)\]\]", re.DOTALL)
_ACCESS = re.compile(r"inputs\.([\w-]+(?:\.[\w-]+)*)$")
_TYPES = ("string", "number", "boolean", "array")
_KEYS = {"default", "description", "options", "regex", "type", "rules"}
MAX_FUNCTIONS = 3
MAX_BLOCK = 1_024

Report = Callable[[str, str, Position], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One declared input. Without a default it must be given."""

    name: str
    type: str
    required: bool
    default: Any
    options: tuple[Any, ...] | None
    regex: str | None
    description: str | None
    position: Position


def declared_inputs(header: Map, report: Report) -> dict[str, Input]:
    """Return the inputs that a file's header declares, by name."""
    spec = header.get("spec")
    declared = spec.get("inputs") if isinstance(spec, Map) else None
    if declared is None:
        return {}
    if not isinstance(spec, Map) or not isinstance(declared, Map):
        report("spec-inputs", "spec:inputs must be a mapping of input names", header.position("spec"))
        return {}
    return {str(name): _declared(declared, str(name), report) for name in declared}


def _declared(inputs: Map, name: str, report: Report) -> Input:
    config, position = inputs[name], inputs.position(name)
    settings: Mapping[str, Any] = {}
    if isinstance(config, Map):
        settings = config
        for key in config:
            if key not in _KEYS:
                report("spec-inputs", f"input '{name}': unknown key '{key}'", config.position(key))
    elif config is not None:
        report("spec-inputs", f"input '{name}' must be a mapping or empty", position)
    kind = settings.get("type", "string")
    if kind not in _TYPES:
        report("spec-inputs", f"input '{name}': type must be one of {', '.join(_TYPES)}", position)
        kind = "string"
    options = settings.get("options")
    return Input(
        name=name,
        type=kind,
        required="default" not in settings,
        default=settings.get("default"),
        options=tuple(options) if isinstance(options, List) else None,
        regex=settings.get("regex") if isinstance(settings.get("regex"), str) else None,
        description=settings.get("description"),
        position=position,
    )


def resolve_inputs(
    declared: Mapping[str, Input], given: Mapping[str, Any], report: Report, where: Position
) -> dict[str, Any]:
    """Return each declared input's value: the one given, else its default. What GitLab would refuse is reported."""
    unknown = [name for name in given if name not in declared]
    if unknown:
        report("inputs", f"unknown input arguments: {', '.join(map(str, unknown))}", where)
    resolved: dict[str, Any] = {}
    for name, one in declared.items():
        if name not in given and one.required:
            report("inputs", f"required value for input '{name}' has not been provided", where)
            resolved[name] = None
            continue
        value = given[name] if name in given else one.default
        problem = _problem(one, value)
        if problem:
            source = "provided value" if name in given else "default value"
            report("inputs", f"input '{name}': {source} {problem}", where if name in given else one.position)
        resolved[name] = value
    return resolved


def _problem(one: Input, value: Any) -> str:
    """Return why `value` cannot be the input's, or an empty text."""
    if not _is_of_type(one.type, value):
        return f"is not a {one.type}" if one.type != "array" else "is not an array"
    if one.options is not None and value not in one.options:
        return f"'{value}' is not among the options: {', '.join(map(str, one.options))}"
    if one.regex is not None:
        compiled = compile_regex(_unwrapped(one.regex))
        if compiled is None:
            return f"cannot be checked: '{one.regex}' is not a regular expression that RE2 takes"
        if not compiled.search(str(value)):
            return f"'{value}' does not match the required pattern {one.regex}"
    return ""


def _unwrapped(regex: str) -> str:
    match = re.fullmatch(r"/(.*)/([ismU]*)", regex, re.DOTALL)
    if match is None:
        return regex
    return f"(?{match[2]}){match[1]}" if match[2] else match[1]


def _is_of_type(kind: str, value: Any) -> bool:
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, list if kind == "array" else str)


@dataclass(frozen=True, slots=True)
class Interpolation:
    """Fills in the blocks of a file's content.

    `values` are the inputs; `variables` looks up what `expand_vars` may use (None: hidden from it, as masked ones are).
    """

    values: Mapping[str, Any]
    variables: Callable[[str], str | None]
    report: Report

    def fill(self, value: Any, where: Position) -> Any:
        """Return `value` with all blocks in its keys and texts filled in; a text that is one block keeps its type."""
        if isinstance(value, str):
            return self._text(value, where) if "$[[" in value else value
        if isinstance(value, Map):
            return self._map(value)
        if isinstance(value, List):
            items = [self.fill(item, value.position(index)) for index, item in enumerate(value)]
            copy = type(value)(value.file, value.node)
            copy.extend(items)
            return copy
        return value

    def _map(self, value: Map) -> Map:
        copy = Map(value.file, value.node)
        for key, item in value.items():
            filled = self.fill(item, value.value_position(key) if isinstance(item, str) and "$[[" in item else _NOWHERE)
            copy[str(self._text(key, value.position(key))) if "$[[" in key else key] = filled
        return copy

    def _text(self, text: str, where: Position) -> Any:
        whole = BLOCK.fullmatch(text.strip())
        if whole is not None and "$[[" not in whole[1]:
            return self._block(whole[1], where)
        return BLOCK.sub(lambda match: _inline(self._block(match[1], where)), text)

    def _block(self, content: str, where: Position) -> Any:
        if len(content) > MAX_BLOCK:
            self.report("inputs", f"an interpolation block is longer than {MAX_BLOCK} characters", where)
            return None
        access, *functions = (part.strip() for part in content.split("|"))
        match = _ACCESS.match(access)
        name = match[1] if match else ""
        if name not in self.values:
            self.report("inputs", f"unknown interpolation key: '{access}'", where)
            return None
        if len(functions) > MAX_FUNCTIONS:
            self.report("inputs", f"too many functions in an interpolation block (max {MAX_FUNCTIONS})", where)
            return None
        value = self.values[name]
        try:
            for function in functions:
                value = apply(function, value, self.variables)
        except FunctionError as error:
            self.report("inputs", str(error), where)
        return value


_NOWHERE = Position(file="")


def _inline(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        import json

        return json.dumps(value)
    return str(value)
