"""The Terraform modules, taken apart: as much of HCL as they use."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
MODULES = ROOT / "infra/terraform/modules"
META = {"for_each", "count", "depends_on", "provider"}  # Terraform's own arguments


@dataclass(slots=True)
class Block:
    """A resource or data source: its arguments, and those of each block in it."""

    kind: str
    type: str
    name: str
    arguments: set[str] = field(default_factory=set)
    blocks: dict[str, list[set[str]]] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The name of what its provider publishes."""
        return f"{self.kind} {self.type}"


def resources(folder: Path) -> list[Block]:
    """Return the resources and data sources of a module."""
    return [block for path in sorted(folder.glob("*.tf")) for block in _read(path.read_text())]


def _read(text: str) -> list[Block]:
    found: list[Block] = []
    stack: list[set[str]] = []
    for line in map(str.strip, text.splitlines()):
        if head := re.match(r'(resource|data) "(\w+)" "(\w+)" \{$', line):
            found.append(Block(head[1], head[2], head[3]))
            stack = [found[-1].arguments]
        elif stack and (inner := re.match(r"(\w+) \{$", line)):
            stack.append(set())
            if inner[1] != "lifecycle":
                found[-1].blocks.setdefault(inner[1], []).append(stack[-1])
        elif stack and line == "}":
            stack.pop()
        elif stack and (argument := re.match(r"(\w+) += ", line)):
            stack[-1].add(argument[1])
    return found
