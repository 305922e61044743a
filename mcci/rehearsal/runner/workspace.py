"""A job's clean clone: its commit, to the depth that GitLab gives it, in a folder of its own."""

from __future__ import annotations

import shutil
import threading
from typing import TYPE_CHECKING

from mcci.clients.git import GitFailed, Repository
from mcci.errors import ServiceFailed

if TYPE_CHECKING:
    from pathlib import Path

    from mcci.rehearsal.runner.job import RunnerJob

STRATEGIES = ("fetch", "clone", "none", "empty")


class Mirror:
    """What the runner has fetched of a repository, so that each commit comes over the network once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._known: set[str] = set()

    def fetch(self, job: RunnerJob) -> Path:
        """Return the mirror with the job's commit in it. Raises `ServiceFailed`."""
        with self._lock:
            git = Repository(self._folder)
            if not self._folder.exists():
                self._folder.mkdir(parents=True)
                git.run("init", "--quiet", "--bare")
                git.run("config", "uploadpack.allowAnySHA1InWant", "true")
            if job.sha not in self._known:
                try:
                    git.run("fetch", "--quiet", "--no-tags", job.repository, f"+{job.sha}:refs/commits/{job.sha}")
                except GitFailed as error:
                    raise ServiceFailed(f"the commit {job.sha[:8]} could not be fetched: {error}") from error
                self._known.add(job.sha)
            return self._folder


def prepare(job: RunnerJob, folder: Path, mirror: Mirror) -> str:
    """Put the job's clone into `folder`, and return what was done, in words. Raises `ServiceFailed`.

    Source: https://docs.gitlab.com/ci/runners/configure_runners/#git-strategy
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    strategy = job.variables.get("GIT_STRATEGY") or "clone"
    if strategy not in STRATEGIES:
        raise ServiceFailed(f"unknown GIT_STRATEGY {strategy}: {', '.join(STRATEGIES)}")
    if strategy in ("none", "empty"):
        return "Skipping Git repository setup"
    source = mirror.fetch(job)
    git = Repository(folder)
    depth = [f"--depth={job.depth}"] if job.depth else []
    git.run("init", "--quiet")
    git.run("remote", "add", "origin", job.repository)
    git.run("fetch", "--quiet", "--no-tags", *depth, source.resolve().as_uri(), job.sha)
    if job.variables.get("GIT_CHECKOUT") == "false":
        return "Skipping Git checkout"
    git.run("-c", "advice.detachedHead=false", "checkout", "--quiet", "--detach", "--force", job.sha)
    return f"Checking out {job.sha[:8]} as detached HEAD (ref is {job.ref})..."
