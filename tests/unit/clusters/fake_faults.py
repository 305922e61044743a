"""What goes wrong in a fake cluster, and when: at the n-th write over the clusters of a script, or at some calls."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

WRITES = frozenset({"create", "replace", "apply", "merge", "delete"})


class Crash(BaseException):
    """The process dies here, as with kill -9: nothing of it reaches the cluster any more, no `finally` either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of the API. `write` counts the writes from 1; it is 0 for what only reads, and for a dry run."""

    cluster: str
    verb: str
    kind: str
    namespace: str
    name: str
    write: int = 0
    body: Any = field(default=None, repr=False)


@dataclass(slots=True, kw_only=True)
class Fault:
    """`error` is raised by the calls that match, `times` of them after `skip`; `after` the call has had its effect.

    `write` is a write's number, counted from 1 over the script; with `kills` the process is dead from then on.
    """

    error: BaseException
    write: int = 0
    cluster: str = ""
    verb: str = ""
    kind: str = ""
    name: str = ""
    after: bool = False
    skip: int = 0
    times: int = 1

    def strikes(self, call: Call, *, after: bool) -> bool:
        """Whether it befalls this call; counts it."""
        wanted = (self.write, self.cluster, self.verb, self.kind, self.name)
        have = (call.write, call.cluster, call.verb, call.kind, call.name)
        if after != self.after or any(want and want != got for want, got in zip(wanted, have, strict=True)):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return self.times >= 0


@dataclass(slots=True)
class Script:
    """What befalls the calls of one process, to one cluster or to several, and what it called.

    `before` and `after` are called with each call, before and after it has its effect: a test acts there as somebody
    else (through another FakeApi on the same state), or raises.
    """

    faults: list[Fault] = field(default_factory=list)
    before: Callable[[Call], None] | None = None
    after: Callable[[Call], None] | None = None
    calls: list[Call] = field(default_factory=list)
    dead: bool = False
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def writes(self) -> list[Call]:
        """The writes so far, in order."""
        return [call for call in self.calls if call.write]

    def crash(self, *, write: int, after: bool = False) -> None:
        """Let the process die before (or right after) its `write`-th write, counted from 1."""
        self.faults.append(Fault(error=Crash(f"at write {write}"), write=write, after=after))

    def begin(self, cluster: str, verb: str, kind: str, namespace: str, name: str, body: Any, *, dry: bool) -> Call:
        """Note a call, and let happen what befalls it before its effect."""
        with self.lock:
            if self.dead:
                raise Crash("it is dead already")
            number = len(self.writes) + 1 if verb in WRITES and not dry else 0
            call = Call(
                cluster=cluster, verb=verb, kind=kind, namespace=namespace, name=name, write=number, body=body
            )  # fmt: skip
            self.calls.append(call)
        if self.before:
            self.before(call)
        self._strike(call, after=False)
        return call

    def end(self, call: Call) -> None:
        """Let happen what befalls a call after its effect: its answer is lost."""
        self._strike(call, after=True)
        if self.after:
            self.after(call)

    def _strike(self, call: Call, *, after: bool) -> None:
        for fault in self.faults:
            if fault.strikes(call, after=after):
                self.dead = self.dead or isinstance(fault.error, Crash)
                raise fault.error
