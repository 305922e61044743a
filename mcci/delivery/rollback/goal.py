"""Which release a rollback goes back to, and what that means for each service's traffic; pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from mcci.canary.state import Phase
from mcci.clients.helm import storage
from mcci.errors import McciError

if TYPE_CHECKING:
    from collections.abc import Collection

    from mcci.canary.state import State
    from mcci.delivery.deploy.live import Live
    from mcci.delivery.deploy.record import Good, Record


class NothingToGoBackTo(McciError):
    """No earlier good release is recorded, or none of that name."""


class Traffic(Enum):
    """What becomes of a service's traffic: nothing; it is given back at once; it is moved once the old one is ready."""

    STAYS = "stays"
    BACK = "back"
    AFTER = "after"


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A cluster's release to go back to; the recorded one where what runs is `unfinished`, the work of a dead job."""

    cluster: str
    to: Good
    unfinished: bool


def goal(live: Live, name: str, in_place: Collection[str]) -> Goal:
    """Return what a cluster goes back to: the release `name`, or the last good one before what runs now.

    `in_place` are services that have one version. Raises `NothingToGoBackTo`.
    """
    record = live.record
    if record is None:
        raise NothingToGoBackTo(f"{live.cluster}: no release is recorded here, so there is none to go back to.")
    if name:
        return Goal(cluster=live.cluster, to=_named(record, name, live.cluster), unfinished=False)
    if not is_whole(live, record, in_place):
        return Goal(cluster=live.cluster, to=record.now, unfinished=True)
    if not record.previous:
        raise NothingToGoBackTo(
            f"{live.cluster}: {record.now.release or 'the release'} is the first that is recorded here, so there is no "
            "good one before it. Give another with `mcci deploy`."
        )
    return Goal(cluster=live.cluster, to=record.previous[0], unfinished=False)


def is_whole(live: Live, record: Record, in_place: Collection[str]) -> bool:
    """Whether no release was left half done, and nothing runs that was never recorded as good."""
    for name, recorded in record.now.images.items():
        running = live.running(name)
        if any(live.releases[each.name].status != storage.DEPLOYED for each in running):
            return False
        good = {recorded.image.digest}
        if name not in in_place:
            good |= {each.images[name].image.digest for each in record.previous if name in each.images}
        if not {each.digest for each in running if each.digest} <= good:
            return False
    return True


def traffic(state: State | None, version: str, *, runs: bool) -> Traffic:
    """Return what becomes of a service's traffic when its release goes back to `version`.

    `runs` says whether that version is there still: one that was retired must be brought back first.
    """
    if state is None:
        return Traffic.STAYS
    taking = state.canary and (state.phase is Phase.CANARY or state.weights.get(state.canary, 0))
    if version == state.stable:
        return Traffic.BACK if taking else Traffic.STAYS
    if version == state.previous and not state.canary:
        return Traffic.BACK if runs else Traffic.AFTER
    if version == state.canary:
        return Traffic.STAYS
    return Traffic.AFTER


def _named(record: Record, name: str, cluster: str) -> Good:
    every = (record.now, *record.previous)
    found = [each for each in every if each.release and each.release.startswith(name)]
    if len({each.release for each in found}) == 1:
        return found[0]
    known = ", ".join(each.release for each in every if each.release) or "none"
    why = "is several releases" if found else "is not among the good releases recorded"
    raise NothingToGoBackTo(f"{cluster}: '{name}' {why} here: {known}.")
