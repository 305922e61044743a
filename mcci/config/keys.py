"""How a key of `mcci.yml` is declared: one place for its type, default, description and limits.

The reader (`build.py`), the JSON Schema (`schema.py`) and the reference page are derived from these declarations.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field
from typing import Any

from mcci.findings import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a text must look like: `regex` must match all of it, `says` ends the sentence "use …".

    A `path` is tidied as it is read: `./a//b/` is `a/b/`.
    """

    regex: str
    says: str
    max_length: int | None = None
    path: bool = False

    @property
    def rule(self) -> str:
        """The whole rule in words."""
        return f"{self.says}, at most {self.max_length} characters" if self.max_length else self.says


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """The declaration of one key: what it means and what it may hold.

    `form` holds for text and `minimum` and `maximum` for numbers and time spans (in seconds), each also for the items
    of a list or a mapping; `key_form` holds for the keys of a mapping. `unique` refuses a list that names an item
    twice. `empty` lets text be empty. `shorthand` maps a word to the mapping that it is short for. `keys_of` names the
    section whose keys, none of them required, a free-form mapping may have.
    """

    doc: str
    form: Form | None = None
    key_form: Form | None = None
    minimum: int | None = None
    maximum: int | None = None
    unique: bool = False
    empty: bool = False
    shorthand: Mapping[str, Mapping[str, object]] | None = None
    keys_of: str = ""
    examples: tuple[object, ...] = ()


def key(doc: str, default: Any = MISSING, *, factory: Any = MISSING, **limits: Any) -> Any:
    """Declare a key as a dataclass field. Without `default` and `factory` the key is required."""
    metadata = {"key": Key(doc=doc, empty=default == "", **limits)}
    if factory is not MISSING:
        return field(default_factory=factory, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Marks:
    """Where a mapping of `mcci.yml` stands, each key in it, and each item of a list or key of a mapping under a key."""

    at: Position
    keys: Mapping[str, Position]
    items: Mapping[str, Mapping[object, Position]] = field(default_factory=dict)

    def of(self, name: str) -> Position:
        """Return where key `name` stands, or the mapping when the key was left out."""
        return self.keys.get(name, self.at)

    def item(self, name: str, which: object) -> Position:
        """Return where an item of key `name` stands: by its number in a list, by its key in a mapping.

        The items of nested lists are counted through: `[[a], [b]]` has the items 0 and 1.
        """
        return self.items.get(name, {}).get(which, self.of(name))


NOWHERE = Marks(Position(file="mcci.yml"), {})


def marks() -> Any:
    """Declare the field that holds a section's positions."""
    return field(default=NOWHERE, repr=False, compare=False)


class Duration(int):
    """A time span in seconds, written `90s`, `10m`, `2h`, `1d` or `1h30m`."""

    PATTERN = r"^([0-9]+[smhd])+$"
    _UNITS = (("d", 86400, "day"), ("h", 3600, "hour"), ("m", 60, "minute"), ("s", 1, "second"))

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Return the duration that `text` writes. Raises ValueError for any other text."""
        if not re.fullmatch(cls.PATTERN, text):
            raise ValueError(text)
        size = {unit: seconds for unit, seconds, _ in cls._UNITS}
        return cls(sum(int(number) * size[unit] for number, unit in re.findall(r"([0-9]+)([smhd])", text)))

    def words(self) -> str:
        """Return it as GitLab writes durations: `1 hour 30 minutes`."""
        parts = [f"{count} {name}" if count == 1 else f"{count} {name}s" for count, _, name in self._parts()]
        return " ".join(parts) or "0 seconds"

    def __str__(self) -> str:
        return "".join(f"{count}{unit}" for count, unit, _ in self._parts()) or "0s"

    def _parts(self) -> list[tuple[int, str, str]]:
        rest, parts = int(self), []
        for unit, seconds, name in self._UNITS:
            count, rest = divmod(rest, seconds)
            if count:
                parts.append((count, unit, name))
        return parts


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A GitLab version. A plain number would read 18.10 as 18.1, so the text is what counts."""

    major: int
    minor: int

    PATTERN = r"^[0-9]{1,4}\.[0-9]{1,4}(\.[0-9]{1,4})?$"

    @classmethod
    def parse(cls, text: str) -> Version:
        """Return the version that `text` writes; a patch number is read and dropped. Raises ValueError."""
        if not re.fullmatch(cls.PATTERN, text):
            raise ValueError(text)
        major, minor = text.split(".")[:2]
        return cls(int(major), int(minor))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"
