"""YAML text to libyaml's nodes, however deeply it nests: without a crash, and without waiting for ever."""

from __future__ import annotations

import re
import threading
from typing import Any

import yaml

MAX_DEPTH = 150  # GitLab's own limit on the nesting of a configuration
_INDENTATION = re.compile(r"^[ \-?:]+", re.MULTILINE)
_BRACKETS = re.compile(r"[\[\]{}]")
_DEPTH_OF_MAIN_STACK = 4_000
_DEPTH_OF_OWN_STACK = 30_000
_STACK_BYTES_PER_LEVEL = 1_024


def compose(text: str) -> tuple[yaml.CSafeLoader, list[yaml.Node | None]]:
    """Return the nodes of a text's documents, and the loader that knows how to read their scalars.

    libyaml's composer recurses in C, unguarded, and its scanner takes time with the square of the nesting: a text that
    could nest deeply is composed on a stack of its own, and one that could nest too deeply is measured first.
    """
    depth = _possible_depth(text)
    if depth <= _DEPTH_OF_MAIN_STACK:
        return _composed(text)
    if depth > _DEPTH_OF_OWN_STACK:
        depth = _measured_depth(text)
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(_composed(text))
        except Exception as error:
            outcome.append(error)

    previous = threading.stack_size(depth * _STACK_BYTES_PER_LEVEL + 2**20)
    try:
        thread = threading.Thread(target=run)
        thread.start()
    finally:
        threading.stack_size(previous)
    thread.join()
    if isinstance(outcome[0], Exception):
        raise outcome[0]
    result: tuple[yaml.CSafeLoader, list[yaml.Node | None]] = outcome[0]
    return result


def _composed(text: str) -> tuple[yaml.CSafeLoader, list[yaml.Node | None]]:
    loader = yaml.CSafeLoader(text)
    nodes: list[yaml.Node | None] = []
    try:
        while loader.check_node():
            nodes.append(loader.get_node())
    finally:
        loader.dispose()
    return loader, nodes


def _possible_depth(text: str) -> int:
    """Return a depth that the text's collections cannot exceed: cheap to find, usually far too large.

    A closing bracket counts only on the line of its opening one, and only where no quote or comment could hide it.
    """
    depth = 2 * max(map(len, _INDENTATION.findall(text)), default=0)
    openings = text.count("[") + text.count("{")
    if depth + openings <= _DEPTH_OF_MAIN_STACK:
        return depth + openings
    for line in text.splitlines():
        brackets = _BRACKETS.findall(line)
        if not brackets:
            continue
        hidden = "'" in line or '"' in line or "#" in line
        depth += sum(bracket in "[{" for bracket in brackets) if hidden else _left_open(brackets)
    return depth


def _left_open(brackets: list[str]) -> int:
    count = 0
    for bracket in brackets:
        count = count + 1 if bracket in "[{" else max(count - 1, 0)
    return count


def _measured_depth(text: str) -> int:
    """Return how deeply the text's collections nest (libyaml's events come without recursion)."""
    depth = deepest = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            deepest = max(deepest, depth)
            if depth > MAX_DEPTH:
                raise RecursionError
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return deepest
