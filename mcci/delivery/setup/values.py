"""The variables' values: from a file that a person keeps, or asked for. They are in no message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.clients import files
from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mcci.delivery.setup.model import Variable

FORM = "a YAML mapping of variables' names to their values, or to `{file: PATH}`"


def read(path: Path, known: Iterable[Variable]) -> dict[str, str]:
    """Return the values in `path`; a path in it counts from its folder. Raises `UsageError`, which shows no value."""
    import yaml

    try:
        found = yaml.safe_load(files.read(path).decode("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        raise UsageError(f"{path} is not {FORM}.") from None  # the cause would quote the text
    if not isinstance(found, dict):
        raise UsageError(f"{path} is not {FORM}.")
    names = {each.key for each in known}
    if unknown := [str(name) for name in found if name not in names]:
        raise UsageError(f"{path} has {unknown[0]}, which mcci.yml does not use; it uses {', '.join(sorted(names))}.")
    return {name: _value(path, name, value) for name, value in found.items()}


def _value(path: Path, name: str, value: object) -> str:
    if isinstance(value, dict) and set(value) == {"file"} and isinstance(value["file"], str):
        return files.read(path.parent / value["file"]).decode("utf-8", "replace")
    if isinstance(value, str) and value:
        return value
    raise UsageError(f"{path}: {name} is no text, nor `{{file: PATH}}`. Put a number into quotes.")
