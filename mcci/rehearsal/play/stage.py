"""What a rehearsal is played on: the local GitLab with its project, people, and the lab where there is one."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol

from mcci.errors import ExitCode, McciError, UsageError
from mcci.rehearsal.gitlab.model import Access, User

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcci.rehearsal.gitlab.model import Build, Pipeline
    from mcci.rehearsal.gitlab.site import Site
    from mcci.rehearsal.play.project import Checkout


class Interrupted(McciError):
    """Somebody stopped the rehearsal."""

    exit_code = ExitCode.INTERRUPTED


class TimeIsUp(McciError):
    """The rehearsal took longer than it may."""


class Split(Protocol):
    """A service's traffic as it was on the wire."""

    @property
    def share(self) -> float:
        """The canary's share, 0 to 1."""

    @property
    def counted(self) -> int:
        """The requests that it was counted over."""

    @property
    def sent(self) -> int:
        """The requests since the load began."""

    @property
    def failed(self) -> int:
        """Those of them that failed."""

    @property
    def first_failure(self) -> str:
        """How the first of those failed."""

    def fits(self, share: float) -> bool:
        """Whether such counts are likely at that weight."""


class Lab(Protocol):
    """The local multi-cloud, as far as a rehearsal asks for it."""

    def overlay(self) -> Mapping[str, object]:
        """Return the keys of mcci.yml that are different in the lab."""

    def variables(self) -> Mapping[str, str]:
        """Return the CI/CD variables with which jobs reach it."""

    def down(self, cluster: str) -> None:
        """Take a cluster away."""

    def up(self, cluster: str) -> None:
        """Bring it back."""

    def load(self, service: str, path: str, *, rate: float, cluster: str) -> str:
        """Begin to send requests, and return where to."""

    def traffic(self, service: str, *, seconds: float) -> Split:
        """Return how a service's traffic is split, over the next `seconds`."""

    def stop(self) -> None:
        """Stop all of it."""


class Stage:
    """Everything that steps act on."""

    def __init__(self, site: Site, checkout: Checkout, *, seconds: float, lab: Lab | None = None) -> None:
        self.site = site
        self.checkout = checkout
        self.lab = lab
        self.stopped = threading.Event()
        self.developer = next(user for user in site.users if user.access is Access.DEVELOPER)
        self.maintainer = next(user for user in site.users if user.access is Access.MAINTAINER)
        self._end = time.monotonic() + seconds
        self._seconds = seconds

    def left(self) -> float:
        """Return the seconds that are left of the rehearsal."""
        return max(0.0, self._end - time.monotonic())

    def check(self) -> None:
        """Raise `Interrupted` or `TimeIsUp` where the rehearsal is over."""
        if self.stopped.is_set():
            raise Interrupted("the rehearsal was stopped")
        if not self.left():
            raise TimeIsUp(f"the rehearsal takes longer than its {self._seconds:.0f} s")

    def needs_lab(self) -> Lab:
        """Return the lab. Raises `UsageError` where the scenario asks for none."""
        if self.lab is None:
            raise UsageError("this step needs the lab: give the scenario the key `lab`")
        return self.lab

    def pipeline(self, branch: str, back: int = 0) -> Pipeline:
        """Return the newest pipeline of a branch that is no child, or one `back` before it. Waits a moment for it."""
        gitlab = self.site.gitlab

        def newest() -> Pipeline | None:
            found = [each for each in gitlab.pipelines.values() if each.ref == branch and each.parent is None]
            return found[-1 - back] if len(found) > back else None

        refused = self.site.refused
        gitlab.wait(lambda: bool(newest() or branch in refused or self.stopped.is_set()), min(30.0, self.left()))
        self.check()
        found = newest()
        if found is None:
            why = f": {refused[branch]}" if branch in refused else ""
            raise UsageError(f"the branch {branch} has no pipeline{why}")
        return found

    def family(self, pipeline: Pipeline) -> Iterator[Pipeline]:
        """Yield a pipeline and those below it."""
        yield pipeline
        for each in list(self.site.gitlab.pipelines.values()):
            if each.parent is pipeline:
                yield from self.family(each)

    def build(self, branch: str, job: str, back: int = 0) -> Build:
        """Return a job of a branch's newest pipeline (or one `back`), or of one below it. Raises `UsageError`."""
        pipelines = list(self.family(self.pipeline(branch, back)))
        for pipeline in pipelines:
            if job in pipeline.builds:
                return pipeline.builds[job]
        from mcci.check.words import did_you_mean

        names = [name for pipeline in pipelines for name in pipeline.builds]
        raise UsageError(f"the pipeline of {branch} has no job {job!r}{did_you_mean(job, names)}")


def people() -> list[User]:
    """Return who works on a rehearsal's project."""
    return [
        User(id=1, login="maintainer", name="Maya Maintainer", email="maya@example.com"),
        User(id=2, login="developer", name="Dev Eloper", email="dev@example.com", access=Access.DEVELOPER),
    ]
