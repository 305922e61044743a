"""The plan of a canary: which step comes next, and which ones are refused. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.canary.state import Phase
from mcci.errors import UsageError

if TYPE_CHECKING:
    from mcci.canary.state import State


class NoCanary(UsageError):
    """There is no version beside the stable one."""


class NotInPlan(UsageError):
    """The plan has no such step, or not now."""


def next_step(state: State) -> int | None:
    """Return the weight of the plan's next step; None after the last, or without a canary."""
    if state.phase is not Phase.CANARY:
        return None
    return next((weight for weight in state.plan if weight > state.step), None)


def is_done(state: State, weight: int) -> bool:
    """Whether a step to `weight` was taken, by this canary."""
    return state.phase is Phase.CANARY and weight <= state.step and weight in state.plan


def check_weight(weight: int) -> None:
    """Raise `NotInPlan` unless a step may have this weight at all."""
    if not 1 <= weight <= 100:
        raise NotInPlan(
            f"--to {weight}: a canary's weight is from 1 to 100 percent. `mcci canary abort` brings it to 0."
        )


def check_canary(state: State | None, service: str) -> State:
    """Return the state of a canary in progress. Raises `NoCanary`, with what to do."""
    if state is None:
        raise NoCanary(f"{service} was never deployed here: `mcci deploy` makes its first version the stable one.")
    if state.phase is Phase.ABORTED:
        last = state.history[-1] if state.history else None
        by = f" by {last.actor.who} at {last.at:%Y-%m-%d %H:%M} UTC" if last else ""
        why = f" ({last.why})" if last and last.why else ""
        raise NoCanary(
            f"the canary {state.canary} of {service} was aborted{by}{why}. Deploy the release again to begin anew, or "
            "a better one."
        )
    if state.phase is Phase.STABLE:
        raise NoCanary(
            f"{service} has no canary: all traffic goes to {state.stable}. A deployment of another version begins one."
        )
    return state


def check_step(state: State, weight: int, plan: tuple[int, ...], *, force: bool) -> tuple[str, ...]:
    """Return what is taken by force in a step to `weight`, in words; `plan` is mcci.yml's.

    Raises `NotInPlan` where it would need force: a plan that was changed under way, a weight that is none of its
    steps, a step before the one that is due.
    """
    forced: list[str] = []
    if plan != state.plan:
        changed = (
            f"mcci.yml's steps are {_words(plan)} now, but this canary began with {_words(state.plan)}"
        )  # fmt: skip
        _or_force(force, changed, "Abort and deploy again, or take the new plan", forced)
    if weight not in plan:
        _or_force(force, f"{weight} is no step of the plan {_words(plan)}", "Take one of them, or this one", forced)
    undone = [each for each in plan if state.step < each < weight]
    if undone:
        _or_force(
            force,
            f"the step to {undone[0]} was not taken yet (the canary is at {state.step})",
            f"Take it first, or leave out {_words(tuple(undone))}",
            forced,
        )
    if weight < state.step:
        _or_force(force, f"the canary is at {state.step} already", "Abort it, or go back to {weight}", forced)
    return tuple(forced)


def _or_force(force: bool, problem: str, advice: str, forced: list[str]) -> None:
    if not force:
        raise NotInPlan(f"{problem}. {advice} with --force, which is recorded.")
    forced.append(problem)


def _words(plan: tuple[int, ...]) -> str:
    return " → ".join(str(weight) for weight in plan) or "(none)"
