"""Variables of a configuration, and GitLab's expansion of one variable's value by others'.

https://docs.gitlab.com/ci/variables/where_variables_can_be_used/#expansion-mechanisms
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

Lookup: TypeAlias = "Callable[[str], str | None]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One variable. `raw` means that its own value is not expanded; a `file` variable's value is a file's content."""

    key: str
    value: str
    raw: bool = False
    file: bool = False
    masked: bool = False
    description: str | None = None
    options: tuple[str, ...] = ()

    def __repr__(self) -> str:
        shown = "[MASKED]" if self.masked else self.value
        return f"Variable({self.key}={shown!r})"


MAX_NESTING = 50
MAX_LENGTH = 1_000_000
_NAME = "[a-zA-Z_][a-zA-Z0-9_]*"
_REFERENCE = re.compile(rf"\$({_NAME})|\$\{{({_NAME})\}}|%({_NAME})%")
_REFERENCE_OR_ESCAPE = re.compile(rf"\$\$|%%|\$({_NAME})|\$\{{({_NAME})?\}}|%({_NAME})%")


def expand(text: str, lookup: Lookup) -> str:
    """Return `text` with `$A`, `${A}` and `%A%` replaced once; an undefined variable leaves nothing."""
    if "$" not in text and "%" not in text:
        return text
    return _REFERENCE.sub(lambda match: lookup(_name(match)) or "", text)


def expand_existing(text: str, lookup: Lookup) -> str:
    """Return `text` with the variables that exist replaced; an undefined one stays as it is written."""
    if "$" not in text and "%" not in text:
        return text

    def replace(match: re.Match[str]) -> str:
        value = lookup(_name(match))
        return match[0] if value is None else value

    return _REFERENCE.sub(replace, text)


def nested(lookup: Lookup, is_raw: Callable[[str], bool] = lambda _name: False) -> Lookup:
    """Return a look-up whose values have the variables in them replaced, as `expand_all` would leave them.

    A raw variable, and one in a circle, keeps its value as written; a reference to the variable itself leaves nothing.
    """

    known: dict[str, str] = {}

    def value_of(name: str, above: tuple[str, ...] = ()) -> str | None:
        if above and above[-1] == name:
            return None
        value = lookup(name)
        if value is None or ("$" not in value and "%" not in value) or is_raw(name) or name in above:
            return value
        if len(above) > MAX_NESTING:
            return value
        if name in known:
            return known[name]
        inner = (*above, name)
        known[name] = _REFERENCE_OR_ESCAPE.sub(
            lambda match: value_of(found, inner) or "" if (found := _name(match)) else match[0], value
        )[:MAX_LENGTH]
        return known[name]

    return value_of


def references(variable: Variable) -> list[str]:
    """Return the names that a variable's value refers to, in order; none for a raw one."""
    if variable.raw or ("$" not in variable.value and "%" not in variable.value):
        return []
    return [name for match in _REFERENCE_OR_ESCAPE.finditer(variable.value) if (name := _name(match))]


def expand_all(
    variables: Iterable[Variable],
    *,
    keep_undefined: bool = False,
    expand_file_references: bool = True,
    expand_raw_references: bool = True,
) -> tuple[dict[str, Variable], str | None]:
    """Return the variables, each expanded by those it refers to; a later one of the same key wins.

    Also return GitLab's error when variables refer to each other in a circle; the values are then left unexpanded. A
    variable that refers to its own name gets the value that an earlier one of that name has.
    """
    everything = list(variables)
    if not any(references(variable) for variable in everything):
        return {variable.key: variable for variable in everything}, None
    order, circles = _sorted(everything)
    if circles:
        return {
            variable.key: variable for variable in everything
        }, f"circular variable reference detected: {', '.join(map(_circle, circles))}"
    done: dict[str, Variable] = {}
    for variable in order:
        value = variable.value
        if references(variable):

            def replace(match: re.Match[str]) -> str:
                name = _name(match)
                if not name:
                    return "" if match[0] == "${}" and not keep_undefined else match[0]
                found = done.get(name)
                if found is None:
                    return match[0] if keep_undefined else ""
                if (found.file and not expand_file_references) or (found.raw and not expand_raw_references):
                    return match[0]
                return found.value

            value = _REFERENCE_OR_ESCAPE.sub(replace, value)[:MAX_LENGTH]
        done[variable.key] = _with_value(variable, value)
    return {variable.key: done[variable.key] for variable in everything}, None


def _with_value(variable: Variable, value: str) -> Variable:
    if value == variable.value:
        return variable
    from dataclasses import replace

    return replace(variable, value=value)


def _circle(component: list[Variable]) -> str:
    names = ", ".join(f'"{variable.key}"' for variable in component)
    return f"[{names}]"


def _sorted(variables: list[Variable]) -> tuple[list[Variable], list[list[Variable]]]:
    """Return the variables, those referred to first, and the circles (Tarjan's algorithm, without recursion)."""
    by_key: dict[str, list[int]] = {}
    for index, variable in enumerate(variables):
        by_key.setdefault(variable.key, []).append(index)
    children = [[child for name in references(variable) for child in by_key.get(name, [])] for variable in variables]
    number: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    components: list[list[int]] = []
    for start in range(len(variables)):
        if start in number:
            continue
        work = [(start, 0)]
        while work:
            node, position = work.pop()
            if position == 0:
                number[node] = low[node] = len(number)
                stack.append(node)
                on_stack.add(node)
            if position < len(children[node]):
                work.append((node, position + 1))
                child = children[node][position]
                if child not in number:
                    work.append((child, 0))
                elif child in on_stack:
                    low[node] = min(low[node], number[child])
                continue
            if low[node] == number[node]:
                at = stack.index(node)
                components.append(stack[at:])
                on_stack.difference_update(stack[at:])
                del stack[at:]
            if work:
                parent = work[-1][0]
                low[parent] = min(low[parent], low[node])
    order = [variables[index] for component in components for index in component]
    return order, [[variables[index] for index in component] for component in components if len(component) > 1]


def _name(match: re.Match[str]) -> str:
    return match[1] or match[2] or match[3] or ""


def values(variables: Mapping[str, Variable]) -> dict[str, str]:
    """Return the plain values by name."""
    return {key: variable.value for key, variable in variables.items()}
