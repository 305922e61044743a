"""What each step of a scenario does. A step that cannot be done, or is not true, raises `StepFailed`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from mcci.errors import McciError, UsageError
from mcci.rehearsal.gitlab.instance import NotNow
from mcci.rehearsal.scenario.model import Action
from mcci.simulation.status.model import COMPLETED, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcci.rehearsal.gitlab.model import Build, Pipeline
    from mcci.rehearsal.play.stage import Stage

Settings = "Mapping[str, Any]"
WAIT = 300.0  # seconds, where a step does not say
TAIL = 25  # lines of a failed job's log that are shown
STANDING = COMPLETED | {Status.MANUAL}


class StepFailed(McciError):
    """The rehearsal did not go as the scenario says."""


def push(stage: Stage, settings: Mapping[str, Any]) -> str:
    """A developer commits and pushes."""
    commit = stage.checkout.push(settings)
    return f"{settings['branch']} is at {commit[:8]}"


def merge(stage: Stage, settings: Mapping[str, Any]) -> str:
    """A maintainer merges by a merge request."""
    requests = stage.site.merge_requests
    try:
        request = requests.open(
            source=settings["source"], target=settings["target"], author=stage.developer,
            title=settings.get("title") or f"Merge {settings['source']}", description="",
        )  # fmt: skip
        commit = requests.merge(request, stage.maintainer)
    except NotNow as error:
        raise StepFailed(str(error)) from error
    return f"!{request.iid} is merged: {settings['target']} is at {commit[:8]}"


def play(stage: Stage, settings: Mapping[str, Any]) -> str:
    """A person starts a manual job, as soon as that can be started."""
    build = _build(stage, settings)
    _patiently(stage, lambda: build.status is not Status.CREATED, float(settings.get("seconds", WAIT)))
    try:
        stage.site.gitlab.play(build, stage.maintainer, settings.get("variables"))
    except NotNow as error:
        raise StepFailed(str(error)) from error
    return _then(stage, settings, f"{stage.maintainer.name} started {build.name}")


def retry(stage: Stage, settings: Mapping[str, Any]) -> str:
    """A person retries a job."""
    build = _build(stage, settings)
    try:
        stage.site.gitlab.retry(build, stage.maintainer)
    except NotNow as error:
        raise StepFailed(str(error)) from error
    return _then(stage, settings, f"{stage.maintainer.name} retried {build.name}")


def cancel(stage: Stage, settings: Mapping[str, Any]) -> str:
    """A person cancels a job."""
    build = _build(stage, settings)
    try:
        stage.site.gitlab.cancel(build)
    except NotNow as error:
        raise StepFailed(str(error)) from error
    return f"{stage.maintainer.name} canceled {build.name}"


def wait(stage: Stage, settings: Mapping[str, Any]) -> str:
    """Wait until a pipeline or a job has a status; it must not end with another one."""
    wanted = Status(settings["for"])
    seconds = float(settings.get("seconds", WAIT))
    what, status, still = _subject(stage, settings)
    begun = time.monotonic()
    ends = (wanted, *(COMPLETED if "job" in settings else STANDING))
    if not _patiently(stage, lambda: status() in ends and not still(), seconds):
        raise StepFailed(
            f"{what} is still {status().value} after {seconds:.0f} s, not {wanted.value}{_why(stage, settings)}"
        )
    if status() is not wanted:
        raise StepFailed(f"{what} is {status().value}, not {wanted.value}{_why(stage, settings)}")
    return f"{what} is {wanted.value} after {time.monotonic() - begun:.1f} s"


def expect(stage: Stage, settings: Mapping[str, Any]) -> str:
    """Compare what is with what should be."""
    pipeline = _pipeline(stage, settings)
    wrong = []

    def job(name: str) -> Build:
        return _build(stage, {**settings, "job": name})

    if "pipeline" in settings and pipeline.status.value != settings["pipeline"]:
        wrong.append(f"the pipeline is {pipeline.status.value}, not {settings['pipeline']}")
    for name, status in (settings.get("jobs") or {}).items():
        if (now := job(name).status.value) != status:
            wrong.append(f"{name} is {now}, not {status}")
    for name, text in (settings.get("log") or {}).items():
        if text not in job(name).trace.read().decode("utf-8", "replace"):
            wrong.append(f"the log of {name} does not hold {text!r}")
    for name, code in (settings.get("exit_code") or {}).items():
        if (found := job(name).exit_code) != code:
            wrong.append(f"{name} ended with {found}, not {code}")
    if wrong:
        raise StepFailed("; ".join(wrong) + _why(stage, settings))
    return "as expected"


def pause(stage: Stage, settings: Mapping[str, Any]) -> str:
    """Do nothing for a while."""
    stage.stopped.wait(min(float(settings["seconds"]), stage.left()))
    stage.check()
    return ""


def kill(stage: Stage, settings: Mapping[str, Any]) -> str:
    """Kill the processes of a running job, as a runner's machine that dies does."""
    from mcci.clients import shell

    build = _build(stage, settings)
    if build.status is not Status.RUNNING:
        raise StepFailed(f"{build.name} is {build.status.value}: there is nothing to kill")
    shell.end_marked(shell.mark_of(build.token))
    return f"the processes of {build.name} are killed"


def cluster(stage: Stage, settings: Mapping[str, Any]) -> str:
    """A cluster goes away, or comes back."""
    lab = stage.needs_lab()
    (lab.down if settings["is"] == "down" else lab.up)(settings["name"])
    return f"{settings['name']} is {settings['is']}"


def load(stage: Stage, settings: Mapping[str, Any]) -> str:
    """Send requests at a constant rate from now on."""
    url = stage.needs_lab().load(
        settings["service"], settings["path"], rate=float(settings["rate"]), cluster=settings.get("cluster", "")
    )
    return f"{settings['rate']:g} requests/s to {url}"


def traffic(stage: Stage, settings: Mapping[str, Any]) -> str:
    """Look at a service's traffic on the wire."""
    found = stage.needs_lab().traffic(settings["service"], seconds=float(settings.get("over", 5)))
    wrong = []
    if "canary" in settings and not found.fits(settings["canary"] / 100):
        wrong.append(f"the canary has {found.share:.1%} of {found.counted} requests, not {settings['canary']} %")
    if "failed" in settings and found.failed > settings["failed"]:
        wrong.append(
            f"{found.failed} of {found.sent} requests have failed, {settings['failed']} may: {found.first_failure}"
        )
    if wrong:
        raise StepFailed("; ".join(wrong))
    return f"canary {found.share:.1%} of {found.counted} requests; {found.failed} of {found.sent} failed"


STEPS: dict[Action, Callable[[Stage, Mapping[str, Any]], str]] = {
    Action.PUSH: push,
    Action.MERGE: merge,
    Action.PLAY: play,
    Action.RETRY: retry,
    Action.CANCEL: cancel,
    Action.WAIT: wait,
    Action.EXPECT: expect,
    Action.PAUSE: pause,
    Action.KILL: kill,
    Action.CLUSTER: cluster,
    Action.LOAD: load,
    Action.TRAFFIC: traffic,
}


def _patiently(stage: Stage, there: Callable[[], bool], seconds: float) -> bool:
    """Wait until it is there, and return whether it was in time. Raises `Interrupted`, `TimeIsUp`."""
    end = time.monotonic() + min(seconds, stage.left())
    while not stage.site.gitlab.wait(
        lambda: there() or stage.stopped.is_set(), min(0.5, max(0.0, end - time.monotonic()))
    ):
        stage.check()
        if time.monotonic() >= end:
            return False
    stage.check()
    return True


def _then(stage: Stage, settings: Mapping[str, Any], said: str) -> str:
    """Wait, where the step says for what."""
    return f"{said}: {wait(stage, settings)}" if "for" in settings else said


def _pipeline(stage: Stage, settings: Mapping[str, Any]) -> Pipeline:
    return stage.pipeline(settings["branch"], settings.get("back", 0))


def _build(stage: Stage, settings: Mapping[str, Any]) -> Build:
    try:
        return stage.build(settings["branch"], settings["job"], settings.get("back", 0))
    except UsageError as error:
        raise StepFailed(str(error)) from error


def _subject(stage: Stage, settings: Mapping[str, Any]) -> tuple[str, Callable[[], Status], Callable[[], bool]]:
    """Return what a step waits for: its name, its status, and whether that may yet change by itself."""
    branch, back = settings["branch"], settings.get("back", 0)
    if "job" in settings:
        name = settings["job"]
        return name, lambda: stage.build(branch, name, back).status, lambda: False
    return (
        f"the pipeline of {branch}",
        lambda: stage.pipeline(branch, back).status,
        # a parent is where its children are: a blocked child shows through `mirror`
        lambda: any(each.status not in STANDING for each in stage.family(stage.pipeline(branch, back))),
    )


def _why(stage: Stage, settings: Mapping[str, Any]) -> str:
    """Return the ends of the logs of the jobs that failed."""
    found = []
    for pipeline in stage.family(_pipeline(stage, settings)):
        for build in pipeline.builds.values():
            if build.status is Status.FAILED and not build.is_bridge:
                lines = build.trace.read().decode("utf-8", "replace").splitlines()[-TAIL:]
                found.append(
                    f"\n--- {build.name} ({build.failure_reason}, exit code {build.exit_code})\n" + "\n".join(lines)
                )
    return "".join(found)
