"""The scripts of a file, item by item, each knowing where its lines stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import yaml

from mcci.check.subject import SourceFile
from mcci.findings import Position
from mcci.pipeline.document import Map, Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One item of a script. `shell` numbers the shells of the file: items of one number run in one process."""

    job: str
    text: str
    shell: int
    file: SourceFile
    node: yaml.ScalarNode

    def position(self, row: int) -> Position:
        """Return where row `row` (from 0) of the text stands; exact in block text, else where the item does."""
        mark = self.node.start_mark
        if self.node.style != "|":
            return Position(file=self.file.name, line=mark.line + 1, column=mark.column + 1)
        line = min(mark.line + 1 + row, len(self.file.lines) - 1)
        text = self.file.lines[line]
        return Position(file=self.file.name, line=line + 1, column=len(text) - len(text.lstrip()) + 1)


@lru_cache(maxsize=64)
def scripts(file: SourceFile) -> tuple[Script, ...]:
    """Return the script items of the jobs, hidden jobs, `default` and the top level, in the order they would run."""
    return tuple(_scripts(file))


def _scripts(file: SourceFile) -> Iterator[Script]:
    shell = 0
    for name, holder in _holders(file):
        for keywords in (("before_script", "script"), ("after_script",)):
            shell += 1
            for keyword in keywords:
                yield from _items(file, name, holder, keyword, shell)
        hooks = holder.get("hooks")
        if isinstance(hooks, Map):
            shell += 1
            yield from _items(file, name, hooks, "pre_get_sources_script", shell)


def _holders(file: SourceFile) -> Iterator[tuple[str, Map]]:
    if file.content is None:
        return
    yield "", file.content
    default = file.content.get("default")
    if isinstance(default, Map):
        yield "default", default
    yield from file.jobs()


def _items(file: SourceFile, job: str, holder: Map, keyword: str, shell: int) -> Iterator[Script]:
    if keyword not in holder or isinstance(holder[keyword], Reference):
        return
    node = next((value for key, value in reversed(holder.node.value) if key.value == keyword), None)
    if node is None:  # a merge key brought it, and it is looked at where it stands
        return
    for item in _scalars(node):
        yield Script(job=job, text=str(item.value), shell=shell, file=file, node=item)


def _scalars(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    stack = [node]
    seen: set[int] = set()  # what aliases repeat is looked at once
    while stack:
        item = stack.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, yaml.ScalarNode):
            yield item
        elif isinstance(item, yaml.SequenceNode) and item.tag != "!reference":
            stack.extend(reversed(item.value))
