"""The state of a service's canary, as the ConfigMap `mcci-canary-<service>` holds it in every config cluster. Pure.

The truth about traffic is the VirtualService; this says what was meant, by whom and why. Of the copies in several
clusters the one with the highest `revision` counts. `intent` is written before the first weight and taken away after
the last, so that whoever finds it knows what a killed job was about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Any

SCHEMA = "mcci.canary/1"
KEY = "state"
TOKEN = "mcci.io/token"  # noqa: S105 - a fencing token, no secret
LEADER = "mcci.io/leader"  # the cluster whose Lease gave the token
KEPT = 50  # entries of the history; a ConfigMap holds 1 MiB


class Phase(Enum):
    """Where a canary stands: `STABLE` is no canary, `ABORTED` is one that lies ready and gets no traffic again."""

    STABLE = "stable"
    CANARY = "canary"
    ABORTED = "aborted"


class Action(Enum):
    """What was done to a canary."""

    BEGIN = "begin"
    STEP = "step"
    PROMOTE = "promote"
    ABORT = "abort"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts: a person's login, the pipeline's id (None at a terminal), and where to read about the job."""

    who: str
    pipeline: int | None = None
    pipeline_url: str = ""
    job_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A move that has begun: from which weights to which, to which step; and the judge's state once it is done."""

    action: Action
    source: Mapping[str, int]
    target: Mapping[str, int]
    step: int
    actor: Actor
    at: datetime
    token: int = 0
    judged: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the history. `evidence` is JSON, as the judge gave it; `skew` is in seconds, between clusters."""

    action: Action
    at: datetime
    actor: Actor
    version: str
    weights: Mapping[str, int]
    step: int = 0
    verdict: str = ""
    why: str = ""
    forced: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    skew: float | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A service's canary.

    `step` is the plan's weight that was reached, 0 before the first. `replicas` are those that carried all traffic
    when the canary began (0: not known). `previous` is the version that `stable` took over from, ready until
    `keep_until`. `since` is when the weights were last moved. `without` are config clusters that a person left out.
    `judged` is the judge's own state, as JSON, and `verdict` what it said last of this step.
    """

    service: str
    stable: str
    canary: str = ""
    phase: Phase = Phase.STABLE
    plan: tuple[int, ...] = ()
    step: int = 0
    weights: Mapping[str, int]
    replicas: int = 0
    release: str = ""
    actor: Actor
    since: datetime
    previous: str = ""
    keep_until: datetime | None = None
    without: tuple[str, ...] = ()
    intent: Intent | None = None
    judged: Mapping[str, Any] = field(default_factory=dict)
    verdict: str = ""
    revision: int = 1
    history: tuple[Entry, ...] = ()

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions that the state knows, the stable one first."""
        return tuple(dict.fromkeys(filter(None, (self.stable, self.canary, self.previous))))

    def with_entry(self, entry: Entry) -> State:
        """Return the state with one more line of history, the oldest dropped beyond `KEPT`."""
        return replace(self, history=(*self.history, entry)[-KEPT:])


def name_of(service: str) -> str:
    """Return the name of the ConfigMap, and of the Lease that guards it."""
    return f"mcci-canary-{service}"


def first(service: str, version: str, release: str, actor: Actor, now: datetime) -> State:
    """Return the state after a service's first deployment: one version, with all the traffic."""
    return State(
        service=service, stable=version, weights={version: 100}, release=release, actor=actor, since=now
    )  # fmt: skip


def begun(
    state: State, version: str, plan: tuple[int, ...], release: str, actor: Actor, now: datetime, *, replicas: int = 0
) -> State:
    """Return `state` with `version` as the canary at weight 0: what a deployment writes when it has put it there.

    `replicas` are the stable version's, which carry all the traffic now. A canary that had been given up lies ready no
    longer; one at weight 0 is replaced. The same version again begins again where it was aborted, and changes nothing
    while it runs. Raises `ValueError` while another canary gets traffic.
    """
    if version == state.stable:
        return replace(state, release=release, actor=actor, revision=state.revision + 1)
    if state.canary == version and state.phase is Phase.CANARY:
        return replace(state, release=release, actor=actor, revision=state.revision + 1)
    if state.weights.get(state.canary, 0):
        raise ValueError(f"the canary {state.canary} of {state.service} has weight {state.weights[state.canary]}")
    weights = {state.stable: 100, version: 0}
    entry = Entry(action=Action.BEGIN, at=now, actor=actor, version=version, weights=weights)
    return replace(
        state,
        canary=version,
        phase=Phase.CANARY,
        plan=plan,
        step=0,
        weights=weights,
        replicas=replicas,
        release=release,
        actor=actor,
        since=now,
        intent=None,
        judged={},
        verdict="",
        revision=state.revision + 1,
    ).with_entry(entry)


def wanted(state: State, now: datetime) -> tuple[str, ...]:
    """Return the versions that must stay deployed; every other one may be retired.

    That is the stable one, the canary until another takes its place, and the previous one for its window.
    """
    keep = state.previous if state.keep_until and now < state.keep_until else ""
    return tuple(dict.fromkeys(filter(None, (state.stable, state.canary, keep))))
