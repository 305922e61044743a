"""Waiting for what Rancher does: an id, a way to register, an active cluster. Each thing it says is passed on once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from mcci.clusters.leases import Clock, SystemClock
from mcci.clusters.rancher import state
from mcci.errors import McciError, ServiceFailed, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcci.clients.rancher import Rancher, Registration
    from mcci.clusters.rancher.state import State

Found = TypeVar("Found")
HIDDEN = 60.0  # seconds that Rancher may take to show a new cluster to who has made it
FIRST, LONGEST = 0.25, 5.0  # seconds between two looks: at first, and when nothing has changed for a while


@dataclass(slots=True, kw_only=True)
class Patience:
    """Until when one command waits, and whom it tells meanwhile."""

    seconds: float
    say: Callable[[str], None]
    clock: Clock = field(default_factory=SystemClock)
    shown: bool = False  # the cluster has been seen in Rancher
    _start: float = 0
    _said: str = ""

    def __post_init__(self) -> None:
        self._start = self.clock.elapsed()

    @property
    def waited(self) -> float:
        """For how many seconds it has been waited."""
        return self.clock.elapsed() - self._start

    def until(self, look: Callable[[], tuple[Found | None, str]], what: str) -> Found:
        """Look until something is found; `look` gives it, or None and why not. Raises `ServiceFailed` in the end."""
        pause = FIRST
        while True:
            found, why = look()
            if found is not None:
                return found
            if why != self._said:
                self._said, pause = why, FIRST
                self.say(why)
            left = self.seconds - self.waited
            if left <= 0:
                raise ServiceFailed(
                    f"{why}. {what} has not come about in {self.seconds:.0f} s. Run the same command again: it goes on "
                    "where this one has stopped ('--timeout' waits longer)."
                )
            self.clock.sleep(min(pause, left))
            pause = min(LONGEST, pause * 1.5)


def identified(rancher: Rancher, name: str, patience: Patience) -> State:
    """Wait until Rancher has given the cluster an id, and return its state."""

    def look() -> tuple[State | None, str]:
        found = _current(rancher, name, patience)
        return (found, "") if found.id else (None, f"{name}: waiting for Rancher to take it up")

    return patience.until(look, "The cluster's id")


def registration(rancher: Rancher, name: str, cluster: str, patience: Patience) -> Registration:
    """Wait until the cluster of this id can be registered, and return how."""

    def look() -> tuple[Registration | None, str]:
        return rancher.registration(cluster), f"{name}: waiting for Rancher to tell this API key how it registers"

    return patience.until(look, "The registration")


def active(rancher: Rancher, name: str, patience: Patience) -> State:
    """Wait until the cluster is active."""

    def look() -> tuple[State | None, str]:
        found = _current(rancher, name, patience)
        return (found, "") if found.active else (None, f"{name}: {found}")

    return patience.until(look, "An active cluster")


def _current(rancher: Rancher, name: str, patience: Patience) -> State:
    """Return what Rancher says of the cluster now. Raises `McciError` where it is gone, or being removed."""
    found = rancher.cluster(name)
    if found is None and (patience.shown or patience.waited > HIDDEN):
        raise McciError(f"{name}: it is not in Rancher any more, or no longer for this API key.")
    if found is None:
        return state.State(messages=("Rancher does not show it to this API key yet",))
    patience.shown = True
    read = state.read(found)
    refuse_removed(name, read)
    return read


def taken(name: str) -> McciError:
    """Return the error of a name that a cluster in Rancher has which was not to be seen before."""
    return McciError(
        f"{name}: Rancher has a cluster of this name already. Somebody has just made it, or it is not for this API key "
        "to see. Run this again, or look there."
    )


def refuse_removed(name: str, found: State) -> None:
    """Raise `UsageError` where Rancher is removing the cluster."""
    if found.removed:
        raise UsageError(f"{name}: Rancher is removing a cluster of this name. Wait until it is gone.")
