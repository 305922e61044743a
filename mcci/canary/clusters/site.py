"""Where a canary is: the clusters of an environment that concern one service, and calls to all of them at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol, TypeVar

from mcci.canary.state import name_of
from mcci.errors import McciError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mcci.canary.state import Actor
    from mcci.clients.kubernetes.api import ClusterApi
    from mcci.clusters.leases import Holder

Result = TypeVar("Result")


class Clock(Protocol):
    """Time as one process has it."""

    def elapsed(self) -> float:
        """Return seconds that only grow."""

    def now(self) -> datetime:
        """Return the time of day."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class Guard(Protocol):
    """A lock that is held: its fencing token, and what raises when it is lost."""

    @property
    def token(self) -> int:
        """The number that grows with each holder."""

    def check(self) -> None:
        """Raise unless the lock is held."""


def nothing(_line: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A service's clusters. `config` hold its VirtualService, the leader first; `others` run pods of it alone.

    `without` are config clusters that a person leaves out; `ahead` is how far the leader's clock is ahead of ours.
    """

    service: str
    environment: str
    namespace: str
    virtual_services: Mapping[str, str]  # the VirtualService's name in each config cluster
    config: Mapping[str, ClusterApi]
    others: Mapping[str, ClusterApi] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    actor: Actor
    clock: Clock
    log: Callable[[str], None] = nothing
    at_once: int = 16
    ahead: timedelta = timedelta(0)
    ended: Callable[[Holder], bool] | None = None  # knows whether the job that holds the lock is over

    @property
    def leader(self) -> str:
        """The cluster whose Lease counts."""
        return next(iter(self.config))

    @property
    def name(self) -> str:
        """The name of the state's ConfigMap, and of the Lease."""
        return name_of(self.service)

    def now(self) -> datetime:
        """Return the leader's time of day, where it is known: in milliseconds, as the state keeps times."""
        now = self.clock.now().astimezone(UTC) + self.ahead
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def leave_out(self, names: Iterable[str]) -> Site:
        """Return the site without some clusters. Raises `UsageError` where no config cluster is left."""
        given = tuple(dict.fromkeys(names))
        config = {name: api for name, api in self.config.items() if name not in given}
        others = {name: api for name, api in self.others.items() if name not in given}
        if not config:
            raise UsageError("--without leaves no config cluster, so there is no weight to move.")
        return replace(self, config=config, others=others, without=given)


def each(
    apis: Mapping[str, ClusterApi], call: Callable[[str, ClusterApi], Result], at_once: int = 16
) -> tuple[dict[str, Result], dict[str, McciError]]:
    """Call every cluster at once; return the results, and the errors of those that failed."""
    done: dict[str, Result] = {}
    failed: dict[str, McciError] = {}
    if at_once == 1 or len(apis) == 1:
        for name, api in apis.items():
            try:
                done[name] = call(name, api)
            except McciError as error:
                failed[name] = error
        return done, failed
    with ThreadPoolExecutor(min(at_once, len(apis) or 1), thread_name_prefix="cluster") as pool:
        running = {name: pool.submit(call, name, api) for name, api in apis.items()}
        for name, future in running.items():
            try:
                done[name] = future.result()
            except McciError as error:
                failed[name] = error
    return done, failed


def raise_first(failed: Mapping[str, McciError], doing: str) -> None:
    """Raise the first cluster's error with what was being done, where there is one; its kind and exit code stay."""
    for name, error in failed.items():
        text = f"{doing}: {error}" if str(error).startswith(name) else f"{doing} {name}: {error}"
        raise _told(error, text) from error


def _told(error: McciError, text: str) -> McciError:
    told = McciError.__new__(type(error))
    McciError.__init__(told, text)
    for name, value in getattr(error, "__dict__", {}).items():
        setattr(told, name, value)
    return told
