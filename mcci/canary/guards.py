"""What must hold before traffic is moved: each guard is a question, and the answer says what to wait for. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from mcci.config.keys import Duration
from mcci.errors import ExitCode, McciError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from mcci.canary.facts import Survey
    from mcci.canary.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Why a step may not be taken now. `seconds` is about how long until it may, where that is known."""

    guard: str
    text: str
    code: ExitCode = ExitCode.ON_HOLD
    seconds: float | None = None


class OnHold(McciError):
    """The canary is held where it is: a guard says no, or the evidence does not suffice.

    `bakes` is how many seconds the weight has to be held yet, where that is all there is to wait for.
    """

    exit_code = ExitCode.ON_HOLD
    bakes: float | None = None


class Busy(OnHold):
    """A deployment is under way."""

    exit_code = ExitCode.LOCKED


class Stale(OnHold):
    """A newer pipeline has written this environment."""

    exit_code = ExitCode.STALE


def refuse(holds: Iterable[Hold]) -> None:
    """Raise the error of the first hold, with all of them in its message, where there is one."""
    found = list(holds)
    if found:
        error = {ExitCode.LOCKED: Busy, ExitCode.STALE: Stale}.get(found[0].code, OnHold)
        raise error("\n".join(hold.text for hold in found))


def stale(survey: Survey, pipeline: int | None) -> list[Hold]:
    """A newer pipeline has not written this environment. At a terminal (no pipeline) nothing is stale."""
    if pipeline is None:
        return []
    state = survey.state
    own = (state.actor.pipeline or 0) if state else 0
    newest = max(((view.recorded or 0, view.name) for view in survey.views), default=(0, ""))
    newest = max(newest, (own, "the canary's state"))
    if newest[0] <= pipeline:
        return []
    text = (
        f"pipeline {newest[0]} has written this environment ({newest[1]}), and this job is of the older pipeline "
        f"{pipeline}. Nothing was changed; use the newer pipeline's jobs."
    )
    return [Hold(guard="stale", text=text, code=ExitCode.STALE)]


def deploying(survey: Survey) -> list[Hold]:
    """No deployment is in progress in any cluster that the traffic reaches."""
    found = [
        (view.name, lock) for view in survey.views for lock in view.locks if lock.name == "mcci-deploy" and lock.alive
    ]
    return [
        Hold(
            guard="deploying",
            text=f"{name}: a deployment is in progress, by {lock.holder}"
            f"{f' (pipeline {lock.pipeline})' if lock.pipeline else ''}{f', {lock.job_url}' if lock.job_url else ''}. "
            "Run this again when it is done.",
            code=ExitCode.LOCKED,
        )
        for name, lock in found
    ]


def carries(survey: Survey, target: Mapping[str, int], replicas: int) -> list[Hold]:
    """Every side that gets traffic has the ready pods to carry it.

    `replicas` pods carried all of it before; a share of w percent needs that share of them, rounded up, and one at
    the least.
    """
    ready = survey.ready()
    holds = []
    for version, weight in target.items():
        need = needs(weight, replicas)
        if ready[version] < need:
            troubles = survey.troubles(version)
            why = f" ({'; '.join(troubles[:3])})" if troubles else ""
            text = (
                f"{version} has {ready[version]} ready pods and needs {need} to carry {weight} % of the traffic{why}. "
                "Mend it, or scale it first with --scale, then run this again."
            )
            holds.append(Hold(guard="replicas", text=text))
    return holds


def needs(weight: int, replicas: int) -> int:
    """Return how many of `replicas` pods carry `weight` percent of the traffic."""
    return max(1, math.ceil(replicas * weight / 100)) if weight else 0


def baked(since: datetime, now: datetime, bake: float) -> list[Hold]:
    """The weights have been as they are for the bake time, by one clock: the API server's."""
    passed = (now - since).total_seconds()
    if passed >= bake:
        return []
    left = bake - passed
    if passed < -5:
        text = (
            f"the last step is {-passed:.0f} s in the future, so a clock is wrong; the bake time of "
            f"{Duration(int(bake))} is counted from then."
        )
    else:
        over = since + timedelta(seconds=bake)
        text = (
            f"this step bakes for {Duration(int(bake))}: {Duration(math.ceil(left))} to go, until "
            f"{over:%H:%M:%S} UTC. Run this again then."
        )
    return [Hold(guard="bake", text=text, seconds=left)]


def capacity(state: State, survey: Survey, *, lost: bool = False) -> int:
    """Return how many pods carry all the traffic: as recorded when the canary began, else those of the stable now.

    Where a cluster is `lost` its pods carry nothing: then it is no more than one side has ready in the others.
    """
    ready = survey.ready()
    recorded = state.replicas or ready[state.stable]
    return min(recorded, max(ready[state.stable], ready[state.canary])) if lost else recorded
