"""How much longer a rehearsal takes than its jobs, and how fast it plays beside gitlab-ci-local, both in one run.

    python bench/rehearse.py [--json] [--peer PATH] [--jobs N]

`overhead`: a pipeline of jobs that each sleep for a second, one after the other: the time from the push to its end ÷
the jobs' own time (1 is nothing besides; at most 1.10 is asked). `gitlab-ci-local`: the peer's time ÷ ours for N jobs
that do nothing, in five stages, each in its own clean copy of the same project, as many at once as there are
processors, both by the shell (higher is better; at least 5 is asked). `ours` is a push over HTTP to the local GitLab,
whose runner asks for the jobs as any runner does; the peer's is its own process.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from mcci.rehearsal.gitlab.model import User
from mcci.rehearsal.gitlab.server import Server
from mcci.rehearsal.gitlab.site import Site
from mcci.rehearsal.runner.executor import Shell
from mcci.rehearsal.runner.runner import Runner
from mcci.simulation.status.model import COMPLETED, Status

STAGES = 5
SLEEPS = 10
PERSON = User(id=1, login="ada", name="Ada", email="ada@example.com")


def no_ops(jobs: int) -> str:
    """Return a configuration with so many jobs that do nothing."""
    lines = [f"stages: [{', '.join(f's{number}' for number in range(STAGES))}]"]
    lines += [f'job-{number}: {{stage: s{number * STAGES // jobs}, script: ["true"]}}' for number in range(jobs)]
    return "\n".join(lines) + "\n"


def sleeps() -> str:
    """Return a configuration whose jobs follow one another and take a second each."""
    lines = [f"stages: [{', '.join(f's{number}' for number in range(SLEEPS))}]"]
    lines += [f'job-{number}: {{stage: s{number}, script: ["sleep 1"]}}' for number in range(SLEEPS)]
    return "\n".join(lines) + "\n"


def git(folder: Path, *arguments: str) -> None:
    """Run git as the person."""
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def project(folder: Path, configuration: str) -> None:
    """Make a repository with this configuration and a few files."""
    folder.mkdir()
    (folder / ".gitlab-ci.yml").write_text(configuration)
    for number in range(20):
        (folder / f"file-{number}.txt").write_text(f"{number}\n" * 100)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message=The project")


def ours(configuration: str, folder: Path, at_once: int) -> float:
    """Return the seconds from a push to the end of its pipeline. Raises `SystemExit` where that does not pass."""
    project(folder / "checkout", configuration)
    site = Site(folder / "gitlab", path="bench/project", users=[PERSON])
    with ExitStack() as stack:
        stack.enter_context(Server(site))
        token = site.settings.runner_token
        stack.enter_context(
            Runner(folder / "runner", url=site.url, token=token, jobs=at_once, executor=lambda _: Shell())
        )
        scheme, _, rest = site.url.partition("://")
        git(folder / "checkout", "remote", "add", "origin", f"{scheme}://ada:{PERSON.token}@{rest}/bench/project.git")
        begun = time.perf_counter()
        git(folder / "checkout", "push", "--quiet", "origin", "main")
        pipeline = next(iter(site.gitlab.pipelines.values()))
        if not site.gitlab.wait(lambda: pipeline.status in COMPLETED, 900) or pipeline.status is not Status.SUCCESS:
            sys.exit(f"the pipeline is {pipeline.status.value}")
        return time.perf_counter() - begun


def theirs(configuration: str, folder: Path, at_once: int, peer: str) -> float:
    """Return the seconds that gitlab-ci-local takes. Raises `SystemExit` where it fails."""
    project(folder, configuration)
    git(folder, "remote", "add", "origin", "https://gitlab.example.com/bench/project.git")
    command = [peer, "--concurrency", str(at_once), "--shell-isolation", "--quiet"]
    environment = {**os.environ, "HOME": str(folder.parent), "GIT_CONFIG_GLOBAL": "/dev/null"}
    begun = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - begun
    if done.returncode:
        sys.exit(f"{peer} ended with {done.returncode}: {(done.stderr or done.stdout)[-2000:]}")
    return seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--peer", default=shutil.which("gitlab-ci-local") or "")
    parser.add_argument("--jobs", type=int, default=500)
    options = parser.parse_args()
    at_once = os.cpu_count() or 1
    found: dict[str, float] = {"load": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory(prefix="mcci-bench-") as name:
        folder = Path(name)
        for place in ("sleeps", "no-ops"):
            (folder / place).mkdir()
        found["overhead"] = ours(sleeps(), folder / "sleeps", at_once) / SLEEPS
        found["ours_seconds"] = ours(no_ops(options.jobs), folder / "no-ops", at_once)
        if options.peer:
            found["peer_seconds"] = theirs(no_ops(options.jobs), folder / "peer", at_once, options.peer)
            found["gitlab-ci-local"] = found["peer_seconds"] / found["ours_seconds"]
    if options.json:
        print(json.dumps(found))
        return
    print(f"load {found['load']:.1f} · {options.jobs} jobs, {at_once} at once")
    print(f"overhead over the jobs' own time: {found['overhead']:.3f} x (asked: at most 1.10)")
    print(f"{options.jobs} jobs that do nothing: {found['ours_seconds']:.1f} s")
    if "gitlab-ci-local" in found:
        print(f"gitlab-ci-local: {found['peer_seconds']:.1f} s, {found['gitlab-ci-local']:.1f} x as long (asked: 5)")


if __name__ == "__main__":
    main()
