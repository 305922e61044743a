"""The local GitLab's one state: what people, pushes and runners do, and what follows from it.

The simulation decides which jobs a pipeline has and what their statuses become; this keeps ids, times, logs and who did
it. Everything goes through one lock, and each action ends settled: nobody sees a status that GitLab would not show.
"""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from mcci.errors import InvalidInput, McciError
from mcci.rehearsal.gitlab.environments import Environments
from mcci.rehearsal.gitlab.model import Build, Pipeline
from mcci.rehearsal.gitlab.trace import Trace
from mcci.simulation.model import PlannedJob
from mcci.simulation.pipelines import simulate
from mcci.simulation.status import actions, cancellation
from mcci.simulation.status.instance import Instance
from mcci.simulation.status.model import COMPLETED, Status
from mcci.simulation.status.planned import downstream, pipeline_spec
from mcci.simulation.status.settling import settle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mcci.rehearsal.gitlab.model import User
    from mcci.simulation.events import Event, Project
    from mcci.simulation.model import Pipeline as Planned
    from mcci.simulation.status.pipeline import Job as EngineJob
    from mcci.simulation.status.pipeline import Pipeline as EnginePipeline

BEGUN = frozenset({Status.RUNNING, *COMPLETED, Status.CANCELING})


class NotCreated(McciError):
    """GitLab makes no pipeline of this event, and says why."""


class NotNow(McciError):
    """The job or pipeline is not in a state that lets this happen."""


class GitLab:
    """The pipelines of one project. Safe to use from several threads."""

    def __init__(self, state: Path, project: Callable[[], Project], clock: Callable[[], float] = time.time) -> None:
        """`state` is a folder for logs and artifacts; `project` gives the project as it is set up now."""
        self.project = project
        self.clock = clock
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.pipelines: dict[int, Pipeline] = {}
        self.builds: dict[int, Build] = {}
        self.environments = Environments(clock)
        self.revision = 0  # grows with every change, for those who watch
        self._state = state
        self._instance = Instance(downstream=downstream, cancels_gracefully=True)
        self._known: dict[EnginePipeline, Pipeline] = {}
        self._numbers = itertools.count(1)
        self._time = clock()
        (state / "traces").mkdir(parents=True, exist_ok=True)
        (state / "artifacts").mkdir(exist_ok=True)

    # What starts a pipeline

    def start(self, event: Event, *, sha: str, user: User, before: str = "") -> Pipeline:
        """Create the pipeline of an event at commit `sha`. Raises `NotCreated` where GitLab would not."""
        with self.lock:
            project, event = self.project(), replace(event, commit=sha)
            planned = simulate(project, event)
            try:
                spec = pipeline_spec(planned)
            except InvalidInput as error:
                raise NotCreated(str(error)) from error
            engine = self._instance.create(
                spec, project=project.path, ref=event.ref, sha=sha, source=event.source.value
            )
            pipeline = self._add(engine, planned, sha=sha, before=before or "0" * 40, user=user)
            cancellation.cancel_redundant(self._instance, engine)
            self._settle()
            return pipeline

    # What people do

    def play(self, build: Build, user: User, variables: Mapping[str, str] | None = None) -> Build:
        """Start a manual or delayed job; one that is over is retried. Raises `NotNow`."""
        with self.lock:
            self._latest(build)
            if not actions.play(build.engine):
                raise NotNow(f"the job {build.name} is {build.status.value}: it cannot be started")
            return self._by(build, user, variables)

    def retry(self, build: Build, user: User) -> Build:
        """Make a new attempt of a job that is over, and return it. Raises `NotNow`."""
        with self.lock:
            self._latest(build)
            if not actions.retry(build.engine):
                raise NotNow(f"the job {build.name} is {build.status.value}: it cannot be retried")
            return self._by(build, user, build.variables)

    def cancel(self, build: Build, *, force: bool = False) -> Build:
        """Cancel a job. Raises `NotNow`."""
        with self.lock:
            done = actions.force_cancel(build.engine) if force else actions.cancel(self._instance, build.engine)
            if not done:
                raise NotNow(f"the job {build.name} is {build.status.value}: it cannot be canceled")
            self._settle()
            return build

    def cancel_pipeline(self, pipeline: Pipeline) -> None:
        """Cancel all that may yet run in a pipeline and in those below it."""
        with self.lock:
            actions.cancel_pipeline(self._instance, pipeline.engine)
            self._settle()

    def retry_pipeline(self, pipeline: Pipeline, user: User) -> None:
        """Make new attempts of the jobs that failed or were canceled."""
        with self.lock:
            before = dict(pipeline.builds)
            actions.retry_pipeline(pipeline.engine)
            self._settle()
            for name, build in pipeline.builds.items():
                if build is not before[name]:
                    build.user = user

    # What runners do

    def take(self, runner: str, *, wants: Callable[[Build], bool] = lambda _: True) -> Build | None:
        """Give a runner the oldest pending job that it `wants`; None where there is none."""
        with self.lock:
            for pipeline in self.pipelines.values():
                if pipeline.engine.status in COMPLETED:
                    continue
                for build in pipeline.builds.values():
                    if build.engine.status is Status.PENDING and not build.is_bridge and wants(build):
                        actions.run(build.engine)
                        build.runner = runner
                        self._settle()
                        return build
        return None

    def finish(self, build: Build, *, success: bool, exit_code: int | None = None, reason: str = "") -> bool:
        """Take a runner's word for how a job ended; false where the job is no longer its own."""
        with self.lock:
            if build.retried or build.status not in (Status.RUNNING, Status.CANCELING):
                return False
            build.exit_code = exit_code
            if success:
                actions.succeed(build.engine)
            else:
                build.failure_reason = reason or "script_failure"
                actions.drop(build.engine, exit_code=exit_code, reason=build.failure_reason)
            self._note(build)  # before a retry takes its place
            self._settle()
            return True

    def keep(self, build: Build, kind: str, name: str, data: bytes) -> Path:
        """Store a file that a job handed over, and return where it is."""
        folder = self._state / "artifacts" / str(build.id)
        folder.mkdir(exist_ok=True)
        path = folder / f"{len(build.artifacts)}-{kind}-{name.rpartition('/')[2]}"
        path.write_bytes(data)
        return path

    def logged(self) -> None:
        """Tell those who watch that a log has grown."""
        with self.lock:
            self.revision += 1
            self.changed.notify_all()

    def tick(self) -> None:
        """Let the time pass that has passed: delayed jobs start."""
        with self.lock:
            now = self.clock()
            passed, self._time = now - self._time, now
            if self._instance.scheduled:
                actions.pass_time(self._instance, passed)
                self._settle()

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

    # How it is kept

    def _settle(self) -> None:
        settle(self._instance)
        for engine in self._instance.pipelines[len(self._known) :]:
            bridge = engine.bridge
            assert bridge is not None
            above = self._known[bridge.pipeline]
            trigger = bridge.spec.trigger
            assert trigger is not None
            assert isinstance(trigger.reference, PlannedJob)
            child = trigger.reference.child
            assert child is not None
            self._add(engine, child, sha=above.sha, before=above.before, user=above.user, parent=above)
        for pipeline in self._known.values():
            if pipeline.finished is None or pipeline.engine.status not in COMPLETED:
                self._look(pipeline)
        self.revision += 1
        self.changed.notify_all()

    def _add(
        self,
        engine: EnginePipeline,
        planned: Planned,
        *,
        sha: str,
        before: str,
        user: User,
        parent: Pipeline | None = None,
    ) -> Pipeline:
        pipeline = Pipeline(
            id=engine.id, iid=engine.id, planned=planned, engine=engine, ref=planned.event.ref, sha=sha, before=before,
            source=planned.event.source.value, user=user, created=self.clock(), parent=parent,
        )  # fmt: skip
        self._known[engine] = pipeline
        self.pipelines[pipeline.id] = pipeline
        by_name = {each.name: each for each in planned.jobs}
        for name, job in engine.jobs.items():
            self._build(pipeline, by_name[name], job)
        return pipeline

    def _build(self, pipeline: Pipeline, planned: PlannedJob, engine: EngineJob) -> Build:
        number = next(self._numbers)
        build = Build(
            id=number, pipeline=pipeline, planned=planned, engine=engine, attempt=engine.attempt, created=self.clock(),
            trace=Trace(self._state / "traces" / f"{number}.log"),
        )  # fmt: skip
        self.builds[number] = build
        pipeline.builds[build.name] = build
        return build

    def _look(self, pipeline: Pipeline) -> None:
        """Note what has changed in a pipeline since it was last looked at."""
        now = self.clock()
        for build in list(pipeline.builds.values()):
            if build.engine.attempt != build.attempt:
                build.last = build.last or build.outcome or Status.CANCELED
                build.finished = build.finished or now
                self._note(self._build(pipeline, build.planned, build.engine))
            else:
                self._note(build)
        if pipeline.started is None and any(build.started for build in pipeline.builds.values()):
            pipeline.started = now
        over = pipeline.engine.status in COMPLETED
        pipeline.finished = (pipeline.finished or now) if over else None

    def _note(self, build: Build) -> None:
        """Keep when a job was queued, begun and ended, and what it does to its environment."""
        status, now = build.engine.status, self.clock()
        if status is Status.PENDING and build.queued is None:
            build.queued = now
        if status in BEGUN and build.started is None and (build.runner or build.is_bridge):
            build.started = now
            self.environments.begun(build)
        if status not in COMPLETED and build.outcome is not None:
            build.finished = build.outcome = None  # skipped, or a trigger job: it gets another chance as the same job
        if status in COMPLETED and build.outcome is None:
            build.finished, build.outcome = now, status
            build.failure_reason = build.failure_reason or build.engine.failure_reason or ""
            build.last = status if build.engine.attempt != build.attempt else None
            self.environments.ended(build)

    def _latest(self, build: Build) -> None:
        if build.retried:
            raise NotNow(f"the job {build.name} was retried: its latest attempt is another job")

    def _by(self, build: Build, user: User, variables: Mapping[str, str] | None) -> Build:
        self._settle()
        latest = build.pipeline.builds[build.name]
        latest.user = user
        latest.variables = dict(variables or {})
        return latest
