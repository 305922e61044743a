"""Looks at a canary on its own, between steps: judges now, and gives the traffic back where the verdict is fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.canary import plan
from mcci.canary.actions import judged
from mcci.canary.clusters.session import opened
from mcci.canary.outcome import Outcome
from mcci.canary.verdict import Verdict
from mcci.errors import ExitCode

if TYPE_CHECKING:
    from mcci.canary.clusters.site import Site
    from mcci.canary.verdict import Judge


def judge_now(site: Site, judge: Judge, *, wait: float = 0, dry_run: bool = False) -> Outcome:
    """Judge the canary once; code 4 after a fail, 5 where it is inconclusive. With `dry_run` nothing is written.

    Raises `NoCanary`, `NotInPlan` before the first step, `LockHeld`, and what `move` raises.
    """
    with opened(site, wait=wait, dry_run=dry_run) as session:
        state = plan.check_canary(session.state, site.service)
        if not state.step:
            raise plan.NotInPlan(
                f"the canary {state.canary} of {site.service} has no traffic yet, so there is nothing to judge. "
                f"`mcci canary step {site.service} --to {plan.next_step(state) or 100}` gives it some."
            )
        look = judged.look_at(session, state, judge)
        if look.verdict is Verdict.FAIL:
            return judged.rolled_back(session, state, look, dry_run=dry_run)
        if not dry_run:
            judged.keep(session, state, look)
        code = ExitCode.ON_HOLD if look.verdict is Verdict.INCONCLUSIVE else ExitCode.DONE
        return Outcome(code=code, lines=(*session.told, judged.words(look)), state=state, look=look)
