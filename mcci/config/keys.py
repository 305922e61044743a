"""How a key of `mcci.yml` is declared: one place for its type, default, description and limits.

The reader (`build.py`), the JSON Schema (`schema.py`) and the reference page are derived from these declarations.
"""

from __future__ import annotations

import re
from dataclasses import MISSING, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.findings import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """The declaration of one key: what it means and what it may hold.

    `pattern` holds for text (and for the keys' text of a mapping with `key_pattern`), `minimum` and `maximum` for
    numbers, `max_length` for text. `shorthand` maps a scalar's text to the mapping it stands for.
    """

    doc: str
    pattern: str = ""
    key_pattern: str = ""
    says: str = ""
    minimum: int | None = None
    maximum: int | None = None
    max_length: int | None = None
    shorthand: Mapping[str, Mapping[str, object]] | None = None
    examples: tuple[str, ...] = ()


def key(doc: str, default: Any = MISSING, *, factory: Any = MISSING, **limits: Any) -> Any:
    """Declare a key as a dataclass field. Without `default` and `factory` the key is required."""
    metadata = {"key": Key(doc=doc, **limits)}
    if factory is not MISSING:
        return field(default_factory=factory, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Marks:
    """Where a mapping of `mcci.yml` stands, and each key in it."""

    at: Position
    keys: Mapping[str, Position]

    def of(self, name: str) -> Position:
        """Return where key `name` stands, or the mapping when the key was left out."""
        return self.keys.get(name, self.at)


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
        rest, parts = int(self), []
        for _, seconds, name in self._UNITS:
            count, rest = divmod(rest, seconds)
            if count:
                parts.append(f"{count} {name}" if count == 1 else f"{count} {name}s")
        return " ".join(parts) or "0 seconds"

    def __str__(self) -> str:
        rest, text = int(self), ""
        for unit, seconds, _ in self._UNITS:
            count, rest = divmod(rest, seconds)
            text += f"{count}{unit}" if count else ""
        return text or "0s"


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A GitLab version. A plain number would read 18.10 as 18.1, so the text is what counts."""

    major: int
    minor: int

    PATTERN = r"^[0-9]+\.[0-9]+(\.[0-9]+)?$"

    @classmethod
    def parse(cls, text: str) -> Version:
        """Return the version that `text` writes; a patch number is read and dropped. Raises ValueError."""
        if not re.fullmatch(cls.PATTERN, text):
            raise ValueError(text)
        major, minor = text.split(".")[:2]
        return cls(int(major), int(minor))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"
