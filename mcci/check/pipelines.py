"""A pipeline as GitLab would build it from an entry file: merged, its templates extended, its defaults applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mcci.findings import Position
from mcci.pipeline.configuration import Configuration
from mcci.pipeline.document import Map


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """One merged pipeline.

    `content` holds everything merged, `jobs` the visible jobs among it, `stages` their order from `.pre` to `.post`.
    `complete`: nothing it includes is out of reach, so that what is missing is really missing; `own_stages`: the entry
    file itself lists the stages. A child pipeline has the `parent` and the name of the job there that starts it.
    `configuration` is all of it again, as the simulation reads it.
    """

    configuration: Configuration = field(repr=False, compare=False)
    file: str
    content: Map
    jobs: Mapping[str, Map]
    stages: tuple[str, ...]
    complete: bool
    own_stages: bool
    includes: int = 0
    parent: Pipeline | None = None
    started_by: str = ""

    def position(self, job: str) -> Position:
        """Return where the name of a job stands."""
        return self.content.position(job)

    def stage_index(self, job: str) -> int | None:
        """Return the place of a job's stage in the order of stages; None where it is unknown."""
        stage = self.jobs[job].get("stage", "test")
        return self.stages.index(stage) if stage in self.stages else None

    @property
    def depth(self) -> int:
        """Return how many pipelines stand above this one."""
        return 0 if self.parent is None else self.parent.depth + 1
