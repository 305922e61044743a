"""GitLab's processing written down as plainly as can be, and slowly: what the engine is compared with."""

from __future__ import annotations

from mcci.simulation.status.model import JobSpec, PipelineSpec

COMPLETED = ("success", "failed", "canceled", "skipped")
GOES_ON = {
    "on_success": ("success",),
    "manual": ("success",),
    "delayed": ("success",),
    "on_failure": ("failed",),
    "always": ("success", "failed", "skipped"),
    "never": (),
}


def group_status(jobs: list[tuple[str, bool]], needed: bool = False) -> str:
    """Return the composite status of `(status, allow_failure)` pairs."""
    words = set()
    for status, allow_failure in jobs:
        if allow_failure and status in ("failed", "canceled"):
            words.add("warning")
        elif allow_failure and status == "manual":
            words.add("ignored")
        else:
            words.add(status)
    if not words:
        return "success"
    if needed and words & {"skipped", "ignored"}:
        return "skipped"
    only = [
        ({"skipped", "ignored"}, "skipped"),
        ({"success", "skipped", "warning", "ignored"}, "success"),
        ({"created", "warning", "ignored"}, "created"),
        ({"preparing", "warning", "ignored"}, "preparing"),
        ({"canceled", "success", "skipped", "warning", "ignored"}, "canceled"),
        ({"pending", "created", "skipped", "warning", "ignored"}, "pending"),
    ]
    for allowed, status in only:
        if words <= allowed:
            return status
    ranked = (
        ("running", "running"),
        ("pending", "running"),
        ("waiting_for_resource", "waiting_for_resource"),
        ("manual", "manual"),
        ("scheduled", "scheduled"),
        ("preparing", "preparing"),
        ("created", "running"),
        ("canceling", "canceling"),
    )
    for word, status in ranked:
        if word in words:
            return status
    return "failed"


class Reference:
    """A pipeline without resource groups, retries by itself, and trigger jobs."""

    def __init__(self, spec: PipelineSpec) -> None:
        self.spec = spec
        self.jobs = {job.name: job for job in spec.jobs}
        self.statuses = dict.fromkeys(self.jobs, "created")
        self.immediately: set[str] = set()
        self.process()

    def process(self) -> None:
        """Decide on created jobs, again and again, until none can be decided on."""
        while self._decide_one():
            pass

    def reset_behind(self, name: str) -> None:
        """Create again what was skipped in later stages or needs the job."""
        for job in self.spec.jobs:
            later = self._stage(job) > self._stage(self.jobs[name])
            if self.statuses[job.name] == "skipped" and (later or self._needs(job, name)):
                self.statuses[job.name] = "created"

    def pipeline_status(self) -> str:
        return group_status([(self.statuses[job.name], job.allow_failure) for job in self.spec.jobs])

    def _needs(self, job: JobSpec, name: str) -> bool:
        needs = [need.job for need in job.needs or ()]
        return name in needs or any(self._needs(self.jobs[need], name) for need in needs)

    def _stage(self, job: JobSpec) -> int:
        return self.spec.stages.index(job.stage)

    def _decide_one(self) -> bool:
        for job in self.spec.jobs:
            if self.statuses[job.name] == "created":
                before = self._before(job)
                if before in COMPLETED:
                    self.statuses[job.name] = self._next(job, before)
                    return True
        return False

    def _before(self, job: JobSpec) -> str:
        if job.needs is not None:
            names = [need.job for need in job.needs]
        else:
            names = [other.name for other in self.spec.jobs if self._stage(other) < self._stage(job)]
        pairs = [(self.statuses[name], self.jobs[name].allow_failure) for name in names]
        return group_status(pairs, needed=job.needs is not None)

    def _next(self, job: JobSpec, before: str) -> str:
        when = job.when.value
        goes_on = GOES_ON[when]
        if job.needs is None and goes_on == ("success",):
            goes_on = ("success", "skipped")
        if before not in goes_on:
            return "skipped"
        if job.name in self.immediately or when not in ("manual", "delayed"):
            return "pending"
        return "scheduled" if when == "delayed" else "manual"
