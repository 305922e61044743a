"""Locks in a cluster: one job at a time deploys to it, one moves a service's traffic.

A GitLab resource group keeps a project's jobs apart; a Lease in the cluster also those of another project or a person
at a terminal, and it says who holds it. A holder counts itself out some time before another may count it out, each by
its own clock, so no two hold a lock at once. What reaches the cluster late all the same is fenced off by the token.
"""

from __future__ import annotations

import math
import threading
import time
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from mcci.clients.kubernetes.api import LEASE, Conflict
from mcci.clusters.lease_record import (
    TOKEN,
    Holder,
    Observation,
    Record,
    may_take,
    micro_time,
    next_token,
    observe,
    read,
    write,
)
from mcci.errors import ExitCode, McciError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcci.clients.kubernetes.api import ClusterApi, Object

__all__ = ["TOKEN", "Clock", "Held", "Holder", "LeaseLost", "Lock", "LockHeld", "SystemClock", "hold"]

TTL = 45.0  # seconds: long enough to outlast an API that is away for 20
_RENEWALS = 9  # in the time of a Lease
_TRUSTED = 3 / 4  # how much of a Lease's time its holder counts on: clocks may run apart by a third


class LockHeld(McciError):
    """Somebody else holds the lock, and is alive."""

    exit_code = ExitCode.LOCKED

    def __init__(self, cluster: str, namespace: str, name: str, record: Record) -> None:
        self.holder = record.holder or Holder(identity="nobody")
        named = {"pipeline": self.holder.pipeline, "job": self.holder.job_url, "since": record.acquired}
        details = ", ".join(f"{what} {value}" for what, value in named.items() if value)
        super().__init__(
            f"{cluster}: the lock '{name}' in the namespace '{namespace}' is held by {self.holder.identity}"
            f"{f' ({details})' if details else ''}. Run this again when that job has ended, or cancel it; the lock of "
            f"a job that died is free {record.duration:.0f} s after its last sign of life."
        )


class LeaseLost(McciError):
    """The lock was not renewed in time, or another has taken it: nothing more may be written."""

    exit_code = ExitCode.LOCKED


class Clock(Protocol):
    """Time, as one process has it."""

    def elapsed(self) -> float:
        """Return seconds that only grow, and go on while the machine sleeps."""

    def now(self) -> datetime:
        """Return the time of day, for people to read."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's own. `time.monotonic` stands still while a laptop is shut, and a Lease does not."""

    _clock: int | None = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))

    def elapsed(self) -> float:
        return time.monotonic() if self._clock is None else time.clock_gettime(self._clock)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass(slots=True, eq=False)
class Held:
    """A lock that is held. `token` is greater than that of every holder before; safe to use from several threads."""

    name: str
    holder: Holder
    token: int
    until: float  # by the holder's clock
    elapsed: Callable[[], float]
    lost: threading.Event = field(default_factory=threading.Event)
    why: str = ""

    def check(self) -> None:
        """Raise `LeaseLost` unless the lock is held. Asks no one: it costs nothing before each write."""
        if not self.lost.is_set() and self.elapsed() > self.until:
            self.lose("it could not be renewed in time")
        if self.lost.is_set():
            raise LeaseLost(f"the lock '{self.name}' is no longer held: {self.why}. Nothing more was written.")

    def lose(self, why: str) -> None:
        """The lock is gone."""
        if not self.lost.is_set():
            self.why = why
            self.lost.set()


@dataclass(slots=True, kw_only=True)
class Lock:
    """One process's way to a lock, step by step; `hold` is what to use. Times are in seconds."""

    api: ClusterApi
    namespace: str
    name: str
    holder: Holder
    ttl: float = TTL
    clock: Clock = field(default_factory=SystemClock)
    ended: Callable[[Holder], bool] | None = None
    held: Held | None = None
    seen: Observation | None = None
    nonce: str = field(default_factory=lambda: uuid.uuid4().hex)
    _lease: Object = field(default_factory=dict)
    _asked: str = ""  # the acquisition that `ended` was asked about

    def attempt(self) -> Record | None:
        """Try once. Return what stands in the way, or None when the lock is `held` now."""
        begun = self.clock.elapsed()
        lease = self._get()
        record = read(lease, default=self.ttl) if lease else None
        if lease and record:
            self.seen = observe(self.seen, lease, self.clock.elapsed())
            mine = record.nonce == self.nonce and record.holder is not None
            if not (mine or may_take(record, self.seen, begun) or self._ended(record)):
                return record
        now = self.clock.now()
        taken = Record(
            holder=self.holder,
            nonce=self.nonce,
            token=next_token(record, now),
            duration=math.ceil(self.ttl),
            acquired=micro_time(now),
            renewed=micro_time(now),
            transitions=record.transitions + 1 if record else 0,
        )
        begun = self.clock.elapsed()
        try:
            self._put(taken, lease)
        except Conflict:
            return record or taken
        self.held = Held(self.name, self.holder, taken.token, begun + self._trusted, self.clock.elapsed)
        return None

    def renew(self) -> None:
        """Renew what is held. What fails is tried again by the next call; when another has it, it is lost."""
        held = self.held
        assert held is not None
        begun = self.clock.elapsed()
        if begun > held.until:
            held.lose("it could not be renewed in time")
            return
        try:
            renewed = replace(read(self._lease, default=self.ttl), renewed=micro_time(self.clock.now()))
            self._put(renewed, self._lease)
        except Conflict:
            self._look_again(held)
        except McciError:
            return
        else:
            held.until = begun + self._trusted

    def release(self) -> None:
        """Give the lock back, if the Lease is still ours. What fails is left to run out."""
        held, self.held = self.held, None
        if held is None:
            return
        held.lose("it was released")
        with suppress(McciError):
            if (lease := self._get()) and self._is_mine(lease):
                self._put(replace(read(lease, default=self.ttl), holder=None, nonce=""), lease)

    @property
    def _trusted(self) -> float:
        return math.ceil(self.ttl) * _TRUSTED

    def _look_again(self, held: Held) -> None:
        """After a conflict: our own write whose answer was lost, somebody's annotation, or another holder."""
        with suppress(McciError):
            lease = self._get()
            if lease and self._is_mine(lease):
                self._lease = lease
                return
            other = read(lease, default=self.ttl).holder if lease else None
            held.lose(f"{other.identity} has it" if other else "somebody has deleted or freed it")

    def _is_mine(self, lease: Object) -> bool:
        record = read(lease, default=self.ttl)
        return record.nonce == self.nonce and record.holder is not None

    def _ended(self, record: Record) -> bool:
        """Whether it is known, from elsewhere, that the holder's job is over; asked once for each acquisition."""
        if self.ended is None or record.holder is None or self._asked == record.nonce:
            return False
        self._asked = record.nonce
        return self.ended(record.holder)

    def _get(self) -> Object | None:
        return self.api.get(LEASE, self.name, self.namespace)

    def _put(self, record: Record, lease: Object | None) -> None:
        body = write(record, namespace=self.namespace, name=self.name, found=lease)
        self._lease = self.api.replace(LEASE, body) if lease else self.api.create(LEASE, body)


@contextmanager
def hold(
    api: ClusterApi,
    namespace: str,
    name: str,
    holder: Holder,
    *,
    ttl: float = TTL,
    wait: float = 0,
    clock: Clock | None = None,
    ended: Callable[[Holder], bool] | None = None,
    say: Callable[[str], None] | None = None,
) -> Iterator[Held]:
    """Hold the lock `name` of a namespace that exists; renew it in the background until the end.

    A holder that lives is waited for `wait` seconds. Whether it lives is always found out, which takes up to `ttl`
    seconds: one that gives no sign of life in that time, or whose job is over as `ended` knows, has lost the lock.
    `say` is told what is waited for. Raises `LockHeld`, and what the API raises.
    """
    lock = Lock(
        api=api.within(ttl / 3), namespace=namespace, name=name, holder=holder, ttl=ttl,
        clock=clock or SystemClock(), ended=ended,
    )  # fmt: skip
    held = _acquire(lock, wait, say)
    lock.api = api.within(ttl / _RENEWALS)  # a renewal that takes longer would be late
    stop = threading.Event()
    thread = threading.Thread(target=_renew, args=(lock, stop), name=f"lease {name} {api.name}", daemon=True)
    thread.start()
    try:
        yield held
    finally:
        stop.set()
        thread.join(ttl)
        lock.release()


def _acquire(lock: Lock, wait: float, say: Callable[[str], None] | None) -> Held:
    begun = lock.clock.elapsed()
    told: Record | None = None
    while (record := lock.attempt()) is not None:
        over = lock.clock.elapsed() - begun >= wait
        if over and lock.seen and lock.seen.alive and record.holder:
            raise LockHeld(lock.api.name, lock.namespace, lock.name, record)
        if say and record.holder and (told is None or told.holder != record.holder):
            told = record
            say(f"{lock.api.name}: {record.holder.identity} holds the lock '{lock.name}'; looking whether it is alive")
        lock.clock.sleep(min(1.0, lock.ttl / 30))
    assert lock.held is not None
    return lock.held


def _renew(lock: Lock, stop: threading.Event) -> None:
    while not stop.wait(lock.ttl / _RENEWALS):
        held = lock.held
        if held is None or held.lost.is_set():
            return
        lock.renew()
