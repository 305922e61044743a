"""The local GitLab's one state: what people, pushes and runners do, and what follows from it.

The simulation decides which jobs a pipeline has and what their statuses become; `records` keeps ids, times, logs and
who did it. Everything goes through one lock, each action ends settled (nobody sees a status that GitLab would not
show), and is then in the journal, from which a GitLab that is started again in the same folder takes up its state.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mcci.errors import McciError, ServiceFailed
from mcci.rehearsal.gitlab import kept
from mcci.rehearsal.gitlab.changes import TABLE, NotCreated, NotNow
from mcci.rehearsal.gitlab.journal import Journal
from mcci.rehearsal.gitlab.records import Records
from mcci.simulation.status import actions
from mcci.simulation.status.model import COMPLETED, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from mcci.rehearsal.gitlab.model import Artifact, Build, Environment, Pipeline, User
    from mcci.simulation.events import Event, Project

__all__ = ["SILENCE", "GitLab", "NotCreated", "NotNow"]

SILENCE = 120.0  # seconds after which a runner that says nothing of its job is lost; GitLab.com waits an hour
PAUSED = 10.0  # seconds between two ticks after which it was this machine that slept, not the runners
AT_WORK = frozenset({Status.RUNNING, Status.CANCELING})


class GitLab:
    """The pipelines of one project. Safe to use from several threads."""

    def __init__(
        self,
        state: Path,
        project: Callable[[], Project],
        clock: Callable[[], float] = time.time,
        *,
        heads: Callable[[], Mapping[str, str]] | None = None,
        users: Iterable[User] = (),
        silence: float = SILENCE,
    ) -> None:
        """`state` is a folder for the journal, logs and artifacts: what is in it is taken up.

        `project` gives the project as it is set up now, `heads` its branches' commits, `users` are its people. Raises
        `ServiceFailed` for a journal that cannot be taken up.
        """
        self.project = project
        self.clock = clock
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.revision = 0  # grows with every change, for those who watch
        self._heads = heads
        self._silence = silence
        self._ticked = clock()
        self._records = Records(state, clock())
        self._records.users.update({user.id: user for user in users})
        self.pipelines = self._records.pipelines
        self.builds = self._records.builds
        self.environments = self._records.environments
        self._begun = self._records.now
        self._journal = Journal(state / "journal.jsonl")
        self._take_up()

    # What starts a pipeline

    def start(self, event: Event, *, sha: str, user: User, before: str = "") -> Pipeline:
        """Create the pipeline of an event at commit `sha`. Raises `NotCreated` where GitLab would not."""
        with self.lock:
            heads = {**self._heads(), event.ref: sha} if self._heads else None
            made: Pipeline = self._do(
                "start", project=kept.project(self.project()), heads=heads, sha=sha, before=before,
                event=kept.plain(replace(event, commit=sha)), user=self._person(user),
            )  # fmt: skip
            return made

    # What people do

    def play(self, build: Build, user: User, variables: Mapping[str, str] | None = None) -> Build:
        """Start a manual or delayed job; one that is over is retried. Raises `NotNow`."""
        found: Build = self._do("play", build=build.id, user=self._person(user), variables=dict(variables or {}))
        return found

    def retry(self, build: Build, user: User) -> Build:
        """Make a new attempt of a job that is over, and return it. Raises `NotNow`."""
        found: Build = self._do("retry", build=build.id, user=self._person(user))
        return found

    def cancel(self, build: Build, *, force: bool = False) -> Build:
        """Cancel a job. Raises `NotNow`."""
        found: Build = self._do("cancel", build=build.id, force=force)
        return found

    def cancel_pipeline(self, pipeline: Pipeline) -> None:
        """Cancel all that may yet run in a pipeline and in those below it."""
        self._do("cancel_pipeline", pipeline=pipeline.id)

    def retry_pipeline(self, pipeline: Pipeline, user: User) -> None:
        """Make new attempts of the jobs that failed or were canceled."""
        self._do("retry_pipeline", pipeline=pipeline.id, user=self._person(user))

    def set_environment(self, name: str, *, tier: str = "", url: str = "") -> Environment:
        """Make an environment, or change the tier and the URL of one."""
        found: Environment = self._do("environment", name=name, tier=tier, url=url)
        return found

    # What runners do

    def take(self, runner: str, *, wants: Callable[[Build], bool] = lambda _: True) -> Build | None:
        """Give a runner the oldest pending job that it `wants`; None where there is none."""
        with self.lock:
            for pipeline in self.pipelines.values():
                if pipeline.engine.status in COMPLETED:
                    continue
                for build in pipeline.builds.values():
                    if build.engine.status is Status.PENDING and not build.is_bridge and wants(build):
                        self._do("take", build=build.id, runner=runner)
                        build.heard = self.clock()
                        return build
        return None

    def finish(self, build: Build, *, success: bool, exit_code: int | None = None, reason: str = "") -> bool:
        """Take a runner's word for how a job ended; false where the job is no longer its own."""
        with self.lock:
            if build.retried or build.status not in AT_WORK:
                return False
            reason = "" if success else reason or "script_failure"
            self._do("finish", build=build.id, success=success, exit_code=exit_code, reason=reason)
            return True

    def keep(
        self, build: Build, kind: str, name: str, data: bytes, *,
        form: str = "zip", dotenv: Mapping[str, str] | None = None,
    ) -> Artifact:  # fmt: skip
        """Store a file that a job handed over; `dotenv` are the variables in it."""
        with self.lock:
            folder = self._records.folder(build)
            path = folder / f"{len(build.artifacts)}-{kind}-{name.rpartition('/')[2]}"
            path.write_bytes(data)
            where = path.relative_to(self._records.state).as_posix()
            artifact = {"type": kind, "format": form, "name": name, "path": where, "size": len(data)}
            made: Artifact = self._do("keep", build=build.id, artifact=artifact, dotenv=dotenv)
            return made

    def heard(self, build: Build, *, logged: bool = False) -> None:
        """Note a runner's sign of life; with `logged`, tell those who watch that the log has grown."""
        with self.lock:
            build.heard = self.clock()
        if logged:
            self.logged()

    def logged(self) -> None:
        """Tell those who watch that there is something to read."""
        with self.lock:
            self.revision += 1
            self.changed.notify_all()

    def tick(self) -> None:
        """Let the time pass that has passed: delayed jobs start, and jobs whose runner is lost have failed."""
        with self.lock:
            self._pass_time()
            now = self.clock()
            slept, self._ticked = now - self._ticked > PAUSED, now
            for build in list(self._at_work()):
                if slept:
                    build.heard = now
                elif now - build.heard > self._silence:
                    self.finish(build, success=False, reason="stuck_or_timeout_failure")

    # What is asked

    def wait(self, until: Callable[[], bool], seconds: float) -> bool:
        """Wait until something is true of the state; false where that took longer."""
        with self.changed:
            return self.changed.wait_for(until, seconds)

    def wait_for_change(self, revision: int, seconds: float) -> bool:
        """Wait until something has changed since `revision`; false where nothing did."""
        return self.wait(lambda: self.revision != revision, seconds)

    def artifacts_of(self, build: Build) -> list[Build]:
        """Return the builds whose artifacts a job gets: what it `needs`, else all of the stages before it."""
        pipeline, job = build.pipeline, build.planned.job
        if job.dependencies is not None:
            names = set(job.dependencies)
        elif build.planned.needs is not None:
            taken = {need.job: need.artifacts for need in job.needs or () if need.job}
            names = {
                name
                for name in build.planned.needs
                if taken.get(name, taken.get(pipeline.builds[name].planned.job.group, True))
            }
        else:
            order = {stage.name: stage.index for stage in pipeline.engine.stages}
            names = {name for name, each in pipeline.builds.items() if order[each.planned.job.stage] < order[job.stage]}
        return [each for name, each in pipeline.builds.items() if name in names and each.over]

    def _at_work(self) -> Iterator[Build]:
        """Yield the jobs that a runner has."""
        for pipeline in self.pipelines.values():
            if pipeline.engine.status not in COMPLETED:
                yield from (each for each in pipeline.builds.values() if each.status in AT_WORK and not each.is_bridge)

    # How it is done, and done again

    def _do(self, what: str, **fields: Any) -> Any:
        with self.lock:
            self._pass_time()
            found = self._change(what, fields)
            self._journal.write({"at": self._records.now, "do": what, **fields})
            self.revision += 1
            self.changed.notify_all()
            return found

    def _pass_time(self) -> None:
        at = max(self.clock(), self._records.now)
        if self._set_time(at):
            self._journal.write({"at": at, "do": "tick"})
            self.logged()

    def _set_time(self, at: float) -> bool:
        """Let it be `at`, and return whether that has started a delayed job."""
        instance = self._records.instance
        self._records.now, instance.clock = at, at - self._begun
        due = any(job.due is not None and job.due <= instance.clock for job in instance.scheduled)
        if due:
            actions.pass_time(instance, 0)
            self._records.settle()
        return due

    def _change(self, what: str, fields: Mapping[str, Any]) -> Any:
        more = (self.project(),) if what == "start" else ()
        found = TABLE[what](self._records, *more, **fields)
        self._records.settle()
        return found

    def _person(self, user: User) -> int:
        self._records.users[user.id] = user
        return user.id

    def _take_up(self) -> None:
        """Do again what the journal says was done."""
        entry: dict[str, Any] = {}
        try:
            for entry in self._journal.entries():
                if entry["do"] == "begin":
                    self._begun = self._records.now = entry["at"]
                    continue
                self._set_time(entry["at"])
                self._change(entry["do"], {name: value for name, value in entry.items() if name not in ("at", "do")})
        except (McciError, LookupError, TypeError) as error:
            if isinstance(error, ServiceFailed):
                raise
            why = f"its journal's entry {str(entry)[:80]} does not fit: {error!r}"
            raise ServiceFailed(f"the local GitLab cannot take up its state: {why}") from error
        if not entry:
            self._journal.write({"at": self._begun, "do": "begin", "schema": "mcci.gitlab/1"})
        for build in self.builds.values():
            build.heard = self.clock()
