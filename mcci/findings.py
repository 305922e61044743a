"""What a check has to say: one shape for every rule, shown as text, JSON, SARIF or GitLab's code quality report."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """How much a finding weighs: an error makes the answer "no" (exit code 1), a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Position:
    """A place in a text file.

    `file` is the path as the user gave it (or relative to the repository); `line` and `column` count from 1, columns
    in characters.
    """

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing found, at one place, under one rule.

    `rule` is the rule's stable id (kebab-case), `message` says what is wrong and why, `help` what to do about it.
    """

    rule: str
    message: str
    position: Position
    severity: Severity = Severity.ERROR
    help: str = ""

    def __str__(self) -> str:
        advice = f" {self.help}" if self.help else ""
        return f"{self.position}: {self.message}{advice} [{self.rule}]"
