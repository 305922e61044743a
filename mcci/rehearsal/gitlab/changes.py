"""Every change of the local GitLab's state, from what a line of its journal says.

The same function makes a change and, after a restart, makes it again. Each raises `NotCreated` or `NotNow` before it
has changed anything.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mcci.errors import InvalidInput, McciError
from mcci.rehearsal.gitlab import kept
from mcci.rehearsal.gitlab.model import Artifact
from mcci.simulation.pipelines import simulate
from mcci.simulation.status import actions, cancellation
from mcci.simulation.status.planned import pipeline_spec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcci.pipeline.files import Files
    from mcci.rehearsal.gitlab.model import Build, Environment, Pipeline
    from mcci.rehearsal.gitlab.records import Records
    from mcci.simulation.events import Project

Json = dict[str, Any]


class NotCreated(McciError):
    """GitLab makes no pipeline of this event, and says why."""


class NotNow(McciError):
    """The job or pipeline is not in a state that lets this happen."""


def start(
    at: Records, now: Project, *, project: Json, heads: Mapping[str, str] | None, event: Json, sha: str, before: str,
    user: int,
) -> Pipeline:  # fmt: skip
    """Create a pipeline. `now` has the project's files; `heads` are the branches' commits when it was started."""
    then = replace(now, **kept.project_settings(project), files=_pinned(now.files, heads))
    planned = simulate(then, kept.event(event))
    try:
        spec = pipeline_spec(planned)
    except InvalidInput as error:
        raise NotCreated(str(error)) from error
    engine = at.instance.create(
        spec, project=then.path, ref=planned.event.ref, sha=sha, source=planned.event.source.value
    )
    pipeline = at.add(engine, planned, sha=sha, before=before or "0" * 40, user=at.users[user])
    cancellation.cancel_redundant(at.instance, engine)
    return pipeline


def _pinned(files: Callable[[str], Files | None], heads: Mapping[str, str] | None) -> Callable[[str], Files | None]:
    """Return the files as they were when the branches had these heads."""
    if heads is None:
        return files
    return lambda ref: files(heads.get(ref, ref))


def play(at: Records, *, build: int, user: int, variables: Mapping[str, str]) -> Build:
    """Start a manual or delayed job; one that is over is retried."""
    found = _latest(at, build)
    if not actions.play(found.engine):
        raise NotNow(f"the job {found.name} is {found.status.value}: it cannot be started")
    return _by(at, found, user, variables)


def retry(at: Records, *, build: int, user: int) -> Build:
    """Make a new attempt of a job that is over, and return it."""
    found = _latest(at, build)
    if not actions.retry(found.engine):
        raise NotNow(f"the job {found.name} is {found.status.value}: it cannot be retried")
    return _by(at, found, user, found.variables)


def cancel(at: Records, *, build: int, force: bool) -> Build:
    """Cancel a job."""
    found = _latest(at, build)
    done = actions.force_cancel(found.engine) if force else actions.cancel(at.instance, found.engine)
    if not done:
        raise NotNow(f"the job {found.name} is {found.status.value}: it cannot be canceled")
    return found


def cancel_pipeline(at: Records, *, pipeline: int) -> None:
    """Cancel all that may yet run in a pipeline and in those below it."""
    actions.cancel_pipeline(at.instance, at.pipelines[pipeline].engine)


def retry_pipeline(at: Records, *, pipeline: int, user: int) -> None:
    """Make new attempts of the jobs that failed or were canceled."""
    found = at.pipelines[pipeline]
    before = dict(found.builds)
    actions.retry_pipeline(found.engine)
    at.settle()
    for name, build in found.builds.items():
        if build is not before[name]:
            build.user = at.users[user]


def take(at: Records, *, build: int, runner: str) -> Build:
    """Give a pending job to a runner."""
    found = at.builds[build]
    actions.run(found.engine)
    found.runner = runner
    return found


def finish(at: Records, *, build: int, success: bool, exit_code: int | None, reason: str) -> None:
    """Take a runner's word for how a job ended."""
    found = at.builds[build]
    found.exit_code = exit_code
    if success:
        actions.succeed(found.engine)
    else:
        found.failure_reason = reason
        actions.drop(found.engine, exit_code=exit_code, reason=reason)
    at.note(found)  # before a retry takes its place


def keep(at: Records, *, build: int, artifact: Json, dotenv: Mapping[str, str] | None) -> Artifact:
    """Keep a file that a job handed over, which is there."""
    found = at.builds[build]
    made = Artifact(**{**artifact, "path": at.state / artifact["path"]})
    found.artifacts.append(made)
    if dotenv is not None:
        found.dotenv = dotenv
    return made


def environment(at: Records, *, name: str, tier: str, url: str) -> Environment:
    """Make an environment, or change one."""
    found = at.environments.make(name, tier=tier, url=url)
    found.tier, found.url = tier or found.tier, url
    return found


def tick(at: Records) -> None:
    """Nothing but time: delayed jobs start."""
    del at


TABLE: Mapping[str, Callable[..., Any]] = {
    "start": start,
    "play": play,
    "retry": retry,
    "cancel": cancel,
    "cancel_pipeline": cancel_pipeline,
    "retry_pipeline": retry_pipeline,
    "take": take,
    "finish": finish,
    "keep": keep,
    "environment": environment,
    "tick": tick,
}


def _latest(at: Records, number: int) -> Build:
    found = at.builds[number]
    if found.retried:
        raise NotNow(f"the job {found.name} was retried: its latest attempt is another job")
    return found


def _by(at: Records, build: Build, user: int, variables: Mapping[str, str]) -> Build:
    at.settle()
    latest = build.pipeline.builds[build.name]
    latest.user = at.users[user]
    latest.variables = dict(variables)
    return latest
