"""One status for many jobs, as GitLab computes it for a stage, a pipeline, and what a job waits for.

A set of statuses is a bit mask, so that the status of 10,000 jobs costs as much as that of two. Each job counts as its
status, but for two cases: failed or canceled and allowed to fail is a success with warnings, and a manual job that is
allowed to fail (an optional one) is ignored.
https://docs.gitlab.com/ci/pipelines/#pipeline-status and GitLab's `Gitlab::Ci::Status::Composite`.
"""

from __future__ import annotations

from functools import cache

from mcci.simulation.status.model import Status

_STATUSES = tuple(Status)
_INDEX = {status: index for index, status in enumerate(_STATUSES)}
_WARNING = len(_STATUSES)
_IGNORED = _WARNING + 1
KINDS = _IGNORED + 1
SKIPPED_OR_IGNORED = 1 << _INDEX[Status.SKIPPED] | 1 << _IGNORED

_KIND = {
    (status, allow_failure): (
        _WARNING
        if allow_failure and status in (Status.FAILED, Status.CANCELED)
        else _IGNORED
        if allow_failure and status is Status.MANUAL
        else index
    )
    for status, index in _INDEX.items()
    for allow_failure in (False, True)
}


def kind(status: Status, allow_failure: bool) -> int:
    """Return as what a job counts: an index below `KINDS`."""
    return _KIND[status, allow_failure]


def mask(*statuses: Status) -> int:
    """Return the set of statuses as a bit mask."""
    return sum({1 << _INDEX[status] for status in statuses})


_HARMLESS = 1 << _WARNING | 1 << _IGNORED
# In this order: the statuses, beside harmless ones, of which all must be for the group to have the status at the right.
_ONLY = (
    (mask(Status.SUCCESS, Status.SKIPPED) | _HARMLESS, Status.SUCCESS),
    (mask(Status.CREATED) | _HARMLESS, Status.CREATED),
    (mask(Status.PREPARING) | _HARMLESS, Status.PREPARING),
    (mask(Status.CANCELED, Status.SUCCESS, Status.SKIPPED) | _HARMLESS, Status.CANCELED),
    (mask(Status.PENDING, Status.CREATED, Status.SKIPPED) | _HARMLESS, Status.PENDING),
)
# Then, in this order: one such job is enough.
_ANY = (
    (mask(Status.RUNNING, Status.PENDING), Status.RUNNING),
    (mask(Status.WAITING_FOR_RESOURCE), Status.WAITING_FOR_RESOURCE),
    (mask(Status.MANUAL), Status.MANUAL),
    (mask(Status.SCHEDULED), Status.SCHEDULED),
    (mask(Status.PREPARING), Status.PREPARING),
    (mask(Status.CREATED), Status.RUNNING),
    (mask(Status.CANCELING), Status.CANCELING),
)


@cache
def composite(kinds: int, *, needed: bool = False) -> Status:
    """Return the status of a group of jobs, given as a bit mask of their kinds.

    With `needed` the group is what one job `needs`: it is skipped as soon as one of them was skipped or is optional and
    manual. An empty group is a success: nothing stands in the way.
    """
    if kinds == 0:
        return Status.SUCCESS
    if needed and kinds & SKIPPED_OR_IGNORED:
        return Status.SKIPPED
    if not kinds & ~SKIPPED_OR_IGNORED:
        return Status.SKIPPED
    for allowed, status in _ONLY:
        if not kinds & ~allowed:
            return status
    for wanted, status in _ANY:
        if kinds & wanted:
            return status
    return Status.FAILED


class Tally:
    """How many jobs of a group are of each kind, and the mask of the kinds there are."""

    __slots__ = ("counts", "kinds")

    def __init__(self) -> None:
        self.counts = [0] * KINDS
        self.kinds = 0

    def add(self, index: int) -> None:
        self.counts[index] += 1
        self.kinds |= 1 << index

    def remove(self, index: int) -> None:
        self.counts[index] -= 1
        if not self.counts[index]:
            self.kinds &= ~(1 << index)
