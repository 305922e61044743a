"""Waits until a pipeline's automatic stages are done. Reading a status is pure; time and GitLab are passed in."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from mcci.errors import McciError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcci.clients.gitlab_pipelines import Pipeline

FIRST, LONGEST, GROWTH = 3.0, 30.0, 1.5  # seconds between two looks, and how it grows


class TakesTooLong(McciError):
    """The pipeline is still at work at the deadline."""


class Verdict(Enum):
    """What a pipeline's status says about its automatic stages."""

    AT_WORK = "at work"
    SUCCESS = "finished well"
    WAITING = "waiting for a person"
    FAILED = "failed"


_VERDICTS = {
    "success": Verdict.SUCCESS,
    "manual": Verdict.WAITING,
    "failed": Verdict.FAILED,
    "canceled": Verdict.FAILED,
    "canceling": Verdict.FAILED,
    "skipped": Verdict.FAILED,
}


def verdict(pipeline: Pipeline) -> Verdict:
    """Return what the pipeline's status says.

    With `strategy: depend` a parent shows `running` while its child waits for a person: then the children tell.
    """
    found = _VERDICTS.get(pipeline.status, Verdict.AT_WORK)
    if pipeline.status != "running" or not pipeline.children:
        return found
    children = {_VERDICTS.get(status, Verdict.AT_WORK) for status in pipeline.children}
    return Verdict.WAITING if children <= {Verdict.WAITING, Verdict.SUCCESS} else Verdict.AT_WORK


def wait(
    look: Callable[[], Pipeline], *, deadline: float, now: Callable[[], float], sleep: Callable[[float], None]
) -> tuple[Pipeline, Verdict]:
    """Look until the automatic stages are done; `deadline` and `now` are seconds of a clock. Raises `TakesTooLong`."""
    pause = FIRST
    while True:
        pipeline = look()
        found = verdict(pipeline)
        if found is not Verdict.AT_WORK:
            return pipeline, found
        left = deadline - now()
        if left <= 0:
            raise TakesTooLong(f"{pipeline.url} is still {pipeline.status}. It goes on; only the waiting has ended.")
        sleep(min(pause, left))
        pause = min(LONGEST, pause * GROWTH)
