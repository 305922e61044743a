"""What is known of pipelines beside their statuses: ids, times, logs, who did it, and what it did to environments."""

from __future__ import annotations

import hmac
import itertools
import secrets
from typing import TYPE_CHECKING

from mcci.rehearsal.gitlab.environments import Environments
from mcci.rehearsal.gitlab.model import Build, Pipeline
from mcci.rehearsal.gitlab.trace import Trace
from mcci.simulation.model import PlannedJob
from mcci.simulation.status.instance import Instance
from mcci.simulation.status.model import COMPLETED, Status
from mcci.simulation.status.planned import downstream
from mcci.simulation.status.settling import settle

if TYPE_CHECKING:
    from pathlib import Path

    from mcci.rehearsal.gitlab.model import User
    from mcci.simulation.model import Pipeline as Planned
    from mcci.simulation.status.pipeline import Job as EngineJob
    from mcci.simulation.status.pipeline import Pipeline as EnginePipeline

BEGUN = frozenset({Status.RUNNING, *COMPLETED, Status.CANCELING})


class Records:
    """All pipelines and jobs. `now` is when what happens happens; the same changes at the same times give the same."""

    def __init__(self, state: Path, now: float) -> None:
        self.now = now
        self.users: dict[int, User] = {}
        self.pipelines: dict[int, Pipeline] = {}
        self.builds: dict[int, Build] = {}
        self.environments = Environments(lambda: self.now)
        self.instance = Instance(downstream=downstream, cancels_gracefully=True)
        self._known: dict[EnginePipeline, Pipeline] = {}
        self._numbers = itertools.count(1)
        self.state = state
        for name in ("traces", "artifacts"):
            (state / name).mkdir(parents=True, exist_ok=True)
        self._secret = _secret(state / "secret")

    def folder(self, build: Build) -> Path:
        """Return where a job's artifacts are."""
        found = self.state / "artifacts" / str(build.id)
        found.mkdir(exist_ok=True)
        return found

    def settle(self) -> None:
        """Let everything follow that GitLab does on its own, and note what came of it."""
        settle(self.instance)
        for engine in self.instance.pipelines[len(self._known) :]:
            bridge = engine.bridge
            assert bridge is not None
            above = self._known[bridge.pipeline]
            trigger = bridge.spec.trigger
            assert trigger is not None
            assert isinstance(trigger.reference, PlannedJob)
            child = trigger.reference.child
            assert child is not None
            self.add(engine, child, sha=above.sha, before=above.before, user=above.user, parent=above)
        for pipeline in self._known.values():
            if pipeline.finished is None or pipeline.engine.status not in COMPLETED:
                self._look(pipeline)

    def add(
        self,
        engine: EnginePipeline,
        planned: Planned,
        *,
        sha: str,
        before: str,
        user: User,
        parent: Pipeline | None = None,
    ) -> Pipeline:
        """Take in a new pipeline with its jobs."""
        pipeline = Pipeline(
            id=engine.id, iid=engine.id, planned=planned, engine=engine, ref=planned.event.ref, sha=sha, before=before,
            source=planned.event.source.value, user=user, created=self.now, parent=parent,
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
            id=number, pipeline=pipeline, planned=planned, engine=engine, attempt=engine.attempt, created=self.now,
            trace=Trace(self.state / "traces" / f"{number}.log"), token=self._token(number),
        )  # fmt: skip
        self.builds[number] = build
        pipeline.builds[build.name] = build
        return build

    def _token(self, number: int) -> str:
        return f"glcbt-{hmac.digest(self._secret, str(number).encode(), 'sha256').hex()[:32]}"

    def _look(self, pipeline: Pipeline) -> None:
        """Note what has changed in a pipeline since it was last looked at."""
        for build in list(pipeline.builds.values()):
            if build.engine.attempt != build.attempt:
                build.last = build.last or build.outcome or Status.CANCELED
                build.finished = build.finished or self.now
                self.note(self._build(pipeline, build.planned, build.engine))
            else:
                self.note(build)
        if pipeline.started is None and any(build.started for build in pipeline.builds.values()):
            pipeline.started = self.now
        over = pipeline.engine.status in COMPLETED
        pipeline.finished = (pipeline.finished or self.now) if over else None

    def note(self, build: Build) -> None:
        """Keep when a job was queued, begun and ended, and what it does to its environment."""
        status = build.engine.status
        if status is Status.PENDING and build.queued is None:
            build.queued = self.now
        if status in BEGUN and build.started is None and (build.runner or build.is_bridge):
            build.started = self.now
            self.environments.begun(build)
        if status not in COMPLETED and build.outcome is not None:
            build.finished = build.outcome = None  # skipped, or a trigger job: it gets another chance as the same job
        if status in COMPLETED and build.outcome is None:
            build.finished, build.outcome = self.now, status
            build.failure_reason = build.failure_reason or build.engine.failure_reason or ""
            build.last = status if build.engine.attempt != build.attempt else None
            self.environments.ended(build)


def _secret(path: Path) -> bytes:
    """Return what the tokens of jobs are made from: they are good for as long as the state is kept."""
    if not path.exists():
        path.touch(0o600)
        path.write_bytes(secrets.token_bytes(32))
    return path.read_bytes()
