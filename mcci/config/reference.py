"""The reference page of `mcci.yml` (docs/reference/config.md), derived from the declarations."""

from __future__ import annotations

import json
import re
from enum import Enum
from typing import TYPE_CHECKING, Any

from mcci.config.declared import Declared, Kind, Shape, declarations
from mcci.config.keys import Duration, Version
from mcci.config.model import Config
from mcci.config.schema import default_of
from mcci.config.validate import RULES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcci.config.keys import Key

HEAD = """\
# mcci.yml

One file describes the application, where it is built, and the clouds it runs on. This page is made from the
declarations that mcci reads the file by: `mcci schema --format markdown --output docs/reference/config.md`.

- The format is YAML 1.2 in UTF-8: `on`, `off`, `yes` and `no` are text.
- Paths have `/` and start at the folder that holds `mcci.yml`, the repository's root.
- Time spans are written `90s`, `10m`, `2h`, `1d` or `1h30m`.
- Where CI/CD variables are named, the name stands without `$`. Secrets never stand in this file.
- `defaults` holds keys of a service for every service. A mapping is merged with the service's own key by key; any other
  value is replaced by the service's own.
- Every mistake is reported as `file:line:column: what is wrong. What to do. [rule]`, with exit code 2.

## Completion in editors

`mcci schema --output .mcci/schema.json` writes the JSON Schema (draft 2020-12). Editors with the YAML language server
(VS Code's YAML extension, Neovim, Helix, JetBrains) complete and check `mcci.yml` when its first line is

```yaml
# yaml-language-server: $schema=.mcci/schema.json
```

`mcci init` writes both. Commit the schema with `mcci.yml`: it belongs to the version of mcci that the project uses.

## The smallest file

```yaml
version: 1
application: shop
services:
  web: {}
```
"""
_TYPES: dict[Any, str] = {
    str: "text", int: "whole number", float: "number", bool: "true or false", Duration: "time span", Version: "version",
}  # fmt: skip


def markdown() -> str:
    """Return the page."""
    sections: dict[str, type] = {}
    _gather("", Config, sections)
    return HEAD + "".join(_section(path, section, sections) for path, section in sections.items()) + _rules()


def _rules() -> str:
    lines = "".join(f"- {(rule.__doc__ or '').strip()}\n" for rule in RULES)
    return f"\n## What is checked across keys\n\n{lines}"


def _gather(path: str, section: type, sections: dict[str, type]) -> None:
    """Add `section`, then those below it, each once, under the path it is first met at."""
    if section in sections.values():
        return
    sections[path] = section
    for name, declared in declarations(section).items():
        shape, place = declared.shape, f"{path}.{name}".lstrip(".")
        if shape.kind is Kind.MAPPING and shape.item and shape.item.kind is Kind.SECTION:
            _gather(f"{place}.<name>", shape.item.type, sections)
        elif shape.kind is Kind.SECTION:
            _gather(place, shape.type, sections)


def _section(path: str, section: type, sections: Mapping[str, type]) -> str:
    places = {each: _slug(place) for place, each in sections.items()}
    rows = "".join(_row(declared, places) for declared in declarations(section).values())
    title = f"`{path}`" if path else "The top level"
    doc = (section.__doc__ or "").strip()
    return f"\n## {title}\n\n{doc}\n\n| key | holds | default | meaning |\n|---|---|---|---|\n{rows}"


def _row(declared: Declared, places: Mapping[type, str]) -> str:
    holds = "; ".join([_holds(declared.shape, declared.key, places), *_limits(declared)])
    if declared.required:
        default = "**required**"
    else:
        value = default_of(declared)
        default = "" if value is None else f"`{value if isinstance(value, str) else json.dumps(value)}`"
    meaning = declared.key.doc + "".join(f" Example: `{_example(each)}`." for each in declared.key.examples)
    return f"| `{declared.name}` | {_cell(holds)} | {_cell(default)} | {_cell(meaning)} |\n"


def _holds(shape: Shape, key: Key, places: Mapping[type, str]) -> str:
    match shape.kind:
        case Kind.LIST:
            assert shape.item is not None
            return f"list of: {_holds(shape.item, key, places)}"
        case Kind.MAPPING:
            assert shape.item is not None
            names = f" ({key.key_form.says})" if key.key_form else ""
            return f"mapping of names{names} to: {_holds(shape.item, key, places)}"
        case Kind.SECTION:
            link = f"[section](#{places[shape.type]})"
            return " or ".join([*(f"`{word}`" for word in key.shorthand or ()), link])
        case Kind.FREE:
            return "keys of a service" if key.keys_of else "any mapping"
        case _ if issubclass(shape.type, Enum):
            return " or ".join(f"`{choice.value}`" for choice in shape.type)
        case _:
            return key.form.says if key.form else _TYPES[shape.type]


def _limits(declared: Declared) -> Iterator[str]:
    key = declared.key
    if key.minimum is not None and key.minimum != key.maximum:
        low, high = (_limit(each, declared.shape) for each in (key.minimum, key.maximum))
        yield f"at least {low}" if key.maximum is None else f"from {low} to {high}"


def _limit(value: int | None, shape: Shape) -> str:
    scalar = shape.item.type if shape.item else shape.type
    return str(Duration(value)) if scalar is Duration and value is not None else f"{value:,}"


def _example(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _slug(path: str) -> str:
    """Return the anchor that a heading of `path` gets."""
    return re.sub(r"[^a-z0-9_-]", "", path.lower())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
