"""A job's clean clone: its commit, to the depth that GitLab gives it, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import threading
from typing import TYPE_CHECKING

from mcci.clients.git import GitFailed, Repository
from mcci.errors import ServiceFailed

if TYPE_CHECKING:
    from pathlib import Path

    from mcci.rehearsal.runner.job import RunnerJob

ORIGIN = "mcci-origin"  # stands for the address, which holds a job's token
STRATEGIES = ("fetch", "clone", "none", "empty")


class Mirror:
    """What the runner has fetched of a repository: each commit comes over the network once, and is prepared once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._known: set[str] = set()

    def clone(self, job: RunnerJob, folder: Path) -> None:
        """Make `folder` a clone with the job's commit fetched, not checked out. Raises `ServiceFailed`.

        What git keeps of a commit never changes, so clones share it by hard links, as `git clone --local` does.
        """
        with self._lock:
            prepared = self._prepared(job)
        for here, _, files in os.walk(prepared):
            there = os.path.join(folder, ".git", os.path.relpath(here, prepared))
            os.makedirs(there, exist_ok=True)
            take = _link if f"{os.sep}objects" in here.removeprefix(str(prepared)) else shutil.copy2
            for name in files:
                take(os.path.join(here, name), os.path.join(there, name))
        config = folder / ".git/config"
        config.write_text(config.read_text().replace(ORIGIN, job.repository))

    def _prepared(self, job: RunnerJob) -> Path:
        """Return the `.git` of a clone of the job's commit."""
        source = self._fetched(job)
        prepared = self._folder.parent / "prepared" / f"{job.sha}-{job.depth}"
        if not prepared.exists():
            new = prepared.with_suffix(".new")
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir(parents=True)
            git = Repository(new)
            depth = [f"--depth={job.depth}"] if job.depth else []
            git.run("init", "--quiet", "--template=")
            git.run("remote", "add", "origin", ORIGIN)
            git.run("fetch", "--quiet", "--no-tags", *depth, source.resolve().as_uri(), job.sha)
            (new / ".git").rename(prepared)
            new.rmdir()
        return prepared

    def _fetched(self, job: RunnerJob) -> Path:
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
    mirror.clone(job, folder)
    if job.variables.get("GIT_CHECKOUT") == "false":
        return "Skipping Git checkout"
    Repository(folder).run("-c", "advice.detachedHead=false", "checkout", "--quiet", "--detach", "--force", job.sha)
    return f"Checking out {job.sha[:8]} as detached HEAD (ref is {job.ref})..."


def _link(file: str, copy: str) -> None:
    try:
        os.link(file, copy)
    except OSError:  # another file system, or one without links
        shutil.copy2(file, copy)
