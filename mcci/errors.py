"""The errors mcci raises on purpose, each with the public exit code it ends the process with.

A message says what is wrong, where, why, and what to do. `__main__` is the one place that turns an error into an
exit code; anything that is not an `McciError` is a bug in mcci and ends with 70.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcci.findings import Finding


class ExitCode(IntEnum):
    """The public, stable exit codes (docs/reference/exit-codes.md)."""

    DONE = 0
    NO = 1
    USAGE = 2
    SERVICE_FAILED = 3
    ROLLED_BACK = 4
    ON_HOLD = 5
    LOCKED = 6
    STALE = 7
    BUG = 70
    INTERRUPTED = 130
    TERMINATED = 143


class McciError(Exception):
    """Something the user can act on. `str()` is the whole message."""

    exit_code: ClassVar[ExitCode] = ExitCode.NO


class UsageError(McciError):
    """The command line, the environment or a file cannot be used as given."""

    exit_code = ExitCode.USAGE


class InvalidInput(UsageError):
    """A file that mcci reads is wrong: one finding or more, each with its position."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = tuple(findings)


class ServiceFailed(McciError):
    """A service mcci depends on (GitLab, a registry, a cluster) failed after the retries."""

    exit_code = ExitCode.SERVICE_FAILED
