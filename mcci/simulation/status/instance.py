"""A GitLab instance as far as statuses go: its pipelines, their resource groups, and the time.

It holds the state and acts on nothing by itself: `mcci.simulation.status.actions` changes jobs as runners and people
do, and `mcci.simulation.status.settling` then does what GitLab does on its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from mcci.simulation.status.model import PipelineSpec
from mcci.simulation.status.pipeline import Job, JobChange, Pipeline
from mcci.simulation.status.resources import ProcessMode, ResourceGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why GitLab does not create a downstream pipeline: a failure reason of the trigger job."""

    reason: str = "downstream_pipeline_creation_failed"


Downstream: TypeAlias = "Callable[[Job], PipelineSpec | Refusal | None]"


class Instance:
    """All pipelines that know of each other.

    `downstream` answers what a trigger job starts: the downstream pipeline's jobs, why GitLab would refuse, or None
    where that is not known; such a trigger job is then finished with `actions` or `bridges.inherit`.
    `cancels_gracefully` says whether runners take `after_script` of canceled jobs (GitLab 17.0 and later do): a running
    job that is canceled is then canceling until the runner reports back.
    """

    def __init__(self, *, downstream: Downstream | None = None, cancels_gracefully: bool = False) -> None:
        self.downstream = downstream
        self.cancels_gracefully = cancels_gracefully
        self.clock = 0.0
        self.pipelines: list[Pipeline] = []
        self.scheduled: dict[Job, None] = {}
        self._modes: dict[tuple[str, str], ProcessMode] = {}
        self._groups: dict[tuple[str, str], ResourceGroup] = {}
        self.changes: deque[JobChange] = deque()
        self.unprocessed: dict[Pipeline, None] = {}
        self.contended: dict[ResourceGroup, None] = {}

    def create(
        self,
        spec: PipelineSpec,
        *,
        project: str = "",
        ref: str = "main",
        sha: str = "",
        source: str = "push",
        bridge: Job | None = None,
    ) -> Pipeline:
        """Create a pipeline; the next `settle` starts it. `spec` must be sound, and the `bridge` be this instance's."""
        pipeline = Pipeline(
            spec,
            id=len(self.pipelines) + 1,
            project=project,
            ref=ref,
            sha=sha,
            source=source,
            bridge=bridge,
            changes=self.changes,
        )
        self.pipelines.append(pipeline)
        self.unprocessed[pipeline] = None
        for job in pipeline.jobs.values():
            group = self.group_of(job)
            if group is not None:
                group.join(job)
        return pipeline

    def set_process_mode(self, project: str, resource_group: str, mode: ProcessMode) -> None:
        """Set a resource group's process mode, as a person does over GitLab's API; `settle` then acts on it."""
        self._modes[project, resource_group] = mode
        group = self._groups.get((project, resource_group))
        if group is not None:
            group.mode = mode
            self.contended[group] = None

    def group_of(self, job: Job) -> ResourceGroup | None:
        """Return the job's resource group, if it has one."""
        name = job.spec.resource_group
        if name is None:
            return None
        key = job.pipeline.project, name
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = ResourceGroup(self._modes.get(key, ProcessMode.UNORDERED))
        return group
