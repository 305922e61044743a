"""How a command on a canary ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcci.errors import ExitCode

if TYPE_CHECKING:
    from mcci.canary.state import State
    from mcci.canary.verdict import Look


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Its exit code, what it says to people, the state now, what was looked at, and whether weights were written.

    `skew` is how many seconds the clusters were apart; None where nothing was written.
    """

    code: ExitCode = ExitCode.DONE
    lines: tuple[str, ...]
    state: State
    look: Look | None = None
    skew: float | None = None
    changed: bool = False
