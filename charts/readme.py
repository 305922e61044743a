"""Write each chart's README.md and the descriptions in its values.schema.json from the comments in values.yaml.

One source for each option: the comment above a key says what it does; the schema says what it may be and
describes the keys of list items, which have no line in values.yaml. A key that is undocumented, or that only
one of the two files knows, is an error.

    python charts/readme.py            write
    python charts/readme.py --check    exit 1 and name what is out of date
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHARTS = ("microservice", "istio")
HERE = Path(__file__).parent

Schema = dict[str, Any]


class Undocumented(Exception):
    """A value lacks a comment, a description or its place in the schema; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One row of the table: dotted key, type as the schema has it, default as JSON (None: no default), text."""

    key: str
    type: str
    default: str | None
    text: str


def comments(text: str) -> dict[str, str]:
    """The comment above each key of a values.yaml, by dotted key; keys without one are left out."""
    lines = text.splitlines()
    found: dict[str, str] = {}

    def visit(node: yaml.Node, prefix: str) -> None:
        if not isinstance(node, yaml.MappingNode) or node.flow_style:
            return
        for key, value in node.value:
            mark = key.start_mark
            above: list[str] = []
            number = mark.line - 1
            while number >= 0 and lines[number].startswith(" " * mark.column + "# "):
                above.insert(0, lines[number].strip().removeprefix("# "))
                number -= 1
            if above:
                found[prefix + key.value] = " ".join(above)
            visit(value, f"{prefix}{key.value}.")

    root = yaml.compose(text)
    if root is not None:
        visit(root, "")
    return found


def describe(schema: Schema, values: dict[str, Any], texts: dict[str, str], prefix: str = "") -> None:
    """Put the comments into the schema's descriptions, in place. Raises Undocumented."""
    properties: dict[str, Schema] = schema.get("properties", {})
    for name in sorted(values.keys() - properties.keys()):
        raise Undocumented(f"{prefix}{name} is in values.yaml, but not in values.schema.json")
    for name, entry in properties.items():
        key = prefix + name
        if name not in values and key != "global":
            raise Undocumented(f"{key} is in values.schema.json, but not in values.yaml")
        if key in texts:
            entry["description"] = texts[key]
        elif key != "global" and not any(other.startswith(f"{key}.") for other in texts):
            raise Undocumented(f"{key} has no comment in values.yaml")
        if isinstance(values.get(name), dict) and "properties" in entry:
            describe(entry, values[name], texts, f"{key}.")


def options(schema: Schema, values: Any, prefix: str = "") -> Iterator[Option]:
    """A row for every key that a user may set, in the schema's order. Raises Undocumented."""
    for name, entry in schema.get("properties", {}).items():
        key = prefix + name
        given = isinstance(values, dict) and name in values
        group = "properties" in entry and given
        if "description" in entry:
            default = json.dumps(values[name], ensure_ascii=False) if given and not group else None
            yield Option(key=key, type=type_name(entry), default=default, text=entry["description"])
        elif not group:
            raise Undocumented(f"{key} has no description in values.schema.json")
        yield from options(entry, values[name] if given else None, f"{key}.")
        yield from options(entry.get("items", {}), None, f"{key}[].")
        if isinstance(entry.get("additionalProperties"), dict):
            yield from options(entry["additionalProperties"], None, f"{key}.NAME.")


def type_name(entry: Schema) -> str:
    """The type as a reader wants it: the choices of an enum, else the schema's types."""
    if "enum" in entry:
        return ", ".join(f"`{choice}`" if choice != "" else "empty" for choice in entry["enum"])
    kinds = entry.get("type", "any")
    return " or ".join(kinds) if isinstance(kinds, list) else str(kinds)


def render(head: str, rows: list[Option]) -> str:
    """The README's text."""
    table = ["| value | type | default | what it does |", "|---|---|---|---|"]
    for row in rows:
        cells = (f"`{row.key}`", row.type, f"`{row.default}`" if row.default is not None else "", row.text)
        table.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    note = "\n## Values\nMade by `python charts/readme.py` from the comments in `values.yaml`.\n\n"
    return head.rstrip("\n") + "\n" + note + "\n".join(table) + "\n"


def documents(chart: Path) -> dict[Path, str]:
    """What README.md and values.schema.json of that chart should hold."""
    text = (chart / "values.yaml").read_text(encoding="utf-8")
    schema = json.loads((chart / "values.schema.json").read_text(encoding="utf-8"))
    values = yaml.safe_load(text)
    describe(schema, values, comments(text))
    head = (chart / "README.head.md").read_text(encoding="utf-8")
    return {
        chart / "README.md": render(head, [row for row in options(schema, values) if row.key != "global"]),
        chart / "values.schema.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n",
    }


def main(arguments: list[str]) -> int:
    """Write the files, or with `--check` say which differ. Returns the exit code."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: python charts/readme.py [--check]\n")
        return 2
    stale = False
    for chart in CHARTS:
        try:
            wanted = documents(HERE / chart)
        except Undocumented as error:
            sys.stderr.write(f"charts/{chart}: {error}\n")
            return 1
        for path, text in wanted.items():
            if path.exists() and path.read_text(encoding="utf-8") == text:
                continue
            stale = True
            if not arguments:
                path.write_text(text, encoding="utf-8")
            else:
                sys.stderr.write(f"charts/{chart}/{path.name} is out of date: run `python charts/readme.py`\n")
    return 1 if arguments and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
