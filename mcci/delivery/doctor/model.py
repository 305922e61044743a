"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Status(Enum):
    """How a check went. A warning does not stop a deploy; what was skipped could not, or need not, be looked at."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One line of the table. `cluster` is empty for what concerns none; `advice` says what to do, where there is."""

    cluster: str = ""
    check: str
    status: Status
    found: str
    advice: str = ""


def ok(check: str, found: str, cluster: str = "") -> Result:
    """Return a check that went well."""
    return Result(cluster=cluster, check=check, status=Status.OK, found=found)


def warning(check: str, found: str, advice: str, cluster: str = "") -> Result:
    """Return a check that found something to look at."""
    return Result(cluster=cluster, check=check, status=Status.WARNING, found=found, advice=advice)


def failed(check: str, found: str, advice: str = "", cluster: str = "") -> Result:
    """Return a check that failed."""
    return Result(cluster=cluster, check=check, status=Status.FAILED, found=found, advice=advice)


def skipped(check: str, found: str, cluster: str = "") -> Result:
    """Return a check that was not made."""
    return Result(cluster=cluster, check=check, status=Status.SKIPPED, found=found)
