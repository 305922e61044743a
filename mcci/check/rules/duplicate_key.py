"""A key written twice in one mapping: GitLab silently keeps the last, so half of the text has no effect."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.findings import Finding, Position, Severity
from mcci.pipeline.document import List, Map, Value

RULE = Rule(
    id="duplicate-key",
    summary="A mapping has the same key twice; the first one has no effect.",
    severity=Severity.ERROR,
    source="https://yaml.org/spec/1.2.2/#mapping",
)


def check(subject: Subject) -> Iterator[Finding]:
    """Look at each mapping once, however many aliases share it."""
    for file in subject.files:
        for value in (file.header, file.value):
            yield from _mappings(value)


def _mappings(root: Value) -> Iterator[Finding]:
    stack: list[object] = [root]
    seen: set[int] = set()
    while stack:
        value = stack.pop()
        if not isinstance(value, Map | List) or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, Map):
            stack.extend(value.values())
            if len(value.node.value) > len(value):
                yield from _duplicates(value)
        else:
            stack.extend(value)


def _duplicates(mapping: Map) -> Iterator[Finding]:
    first: dict[str, yaml.Node] = {}
    for key, _ in mapping.node.value:
        if key.tag == "tag:yaml.org,2002:merge":
            continue
        if key.value in first:
            line = first[key.value].start_mark.line + 1
            position = Position(file=mapping.file, line=key.start_mark.line + 1, column=key.start_mark.column + 1)
            message = f"'{key.value}' is written twice in one mapping, first on line {line}; only the last one counts"
            yield RULE.finding(position, message, "Merge the two, or remove one.")
        first[key.value] = key
