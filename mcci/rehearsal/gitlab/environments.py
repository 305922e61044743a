"""Environments and deployments: what the jobs with `environment` do to them.

Source: https://docs.gitlab.com/ci/environments/
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from mcci.config.clouds import Environment as Configured
from mcci.pipeline.variables import expand
from mcci.rehearsal.gitlab.model import Deployment, Environment
from mcci.simulation.status.model import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcci.rehearsal.gitlab.model import Build


class Environments:
    """A project's environments by name. Only `action: start` deploys; `stop` stops; the others only look."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.by_name: dict[str, Environment] = {}
        self._clock = clock
        self._numbers = itertools.count(1)
        self._deployments = itertools.count(1)

    def __iter__(self) -> Iterator[Environment]:
        return iter(self.by_name.values())

    @property
    def deployments(self) -> list[Deployment]:
        """All deployments, the oldest first."""
        return sorted((each for one in self for each in one.deployments), key=lambda each: each.id)

    def make(self, name: str, *, tier: str = "", url: str = "") -> Environment:
        """Return the environment, made where it is new."""
        found = self.by_name.get(name)
        if found is None:
            tier = tier or Configured(name=name).deployment_tier.value
            found = Environment(id=next(self._numbers), name=name, tier=tier, url=url, created=self._clock())
            self.by_name[name] = found
        return found

    def begun(self, build: Build) -> None:
        """Note that a runner has begun with a job."""
        written, name = build.planned.job.environment, build.planned.environment
        if written is None or name is None or written.action != "start":
            return
        environment = self.make(name, tier=written.tier or "")
        environment.state = "available"
        if written.url:
            environment.url = expand(written.url, {"CI_ENVIRONMENT_NAME": name}.get)
        environment.deployments.append(
            Deployment(id=next(self._deployments), environment=environment, build=build, created=self._clock())
        )

    def ended(self, build: Build) -> None:
        """Note that a job has ended."""
        written, name = build.planned.job.environment, build.planned.environment
        if written is not None and name in self.by_name and written.action == "stop" and build.status is Status.SUCCESS:
            self.by_name[name].state = "stopped"
