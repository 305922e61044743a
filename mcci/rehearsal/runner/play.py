"""One job from beginning to end, in the order in which GitLab Runner does it.

Source: https://docs.gitlab.com/ci/jobs/job_logs/ and GitLab Runner's `shells/abstract.go`
"""

from __future__ import annotations

import hashlib
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcci.clients import shell
from mcci.errors import McciError, ServiceFailed
from mcci.rehearsal.runner import archives, workspace
from mcci.rehearsal.runner.script import script

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping
    from pathlib import Path

    from mcci.clients.gitlab_runner import Coordinator
    from mcci.rehearsal.runner.executor import Executor
    from mcci.rehearsal.runner.job import Archive, Cache, RunnerJob, Step
    from mcci.rehearsal.runner.log import Log
    from mcci.rehearsal.runner.workspace import Mirror

AFTER_SCRIPT = 300.0  # seconds; GitLab's RUNNER_AFTER_SCRIPT_TIMEOUT
GRACE = 10.0  # seconds between SIGTERM and SIGKILL


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a job ended; `reason` is GitLab's failure reason, empty where it succeeded."""

    exit_code: int = 0
    reason: str = ""
    canceled: bool = False

    @property
    def success(self) -> bool:
        """Whether it did what it should."""
        return not self.reason and not self.canceled

    @property
    def word(self) -> str:
        """CI_JOB_STATUS."""
        return "canceled" if self.canceled else "success" if self.success else "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What a runner has for its jobs: `folder` is this job's own, `caches` and `mirror` are shared."""

    folder: Path
    caches: Path
    mirror: Mirror
    executor: Executor

    @property
    def clone(self) -> Path:
        """Where the job's clone is."""
        return self.folder / "clone"


def play(job: RunnerJob, bench: Bench, log: Log, coordinator: Coordinator) -> Outcome:
    """Run a job and hand over its artifacts. Never raises for what a job does."""
    try:
        with log.section("prepare_executor", f"Preparing the {bench.executor.name} executor"):
            for line in bench.executor.prepare(job, bench.clone):
                log.say(line)
        with log.section("get_sources", "Getting source from Git repository"):
            log.say(workspace.prepare(job, bench.clone, bench.mirror))
        _restore(job, bench, log)
        _download(job, bench, log, coordinator)
        outcome = _run(job, bench, log)
    except (McciError, OSError) as error:
        log.say(f"\x1b[31;1mERROR: Job failed (system failure): {error}\x1b[0;m")
        return Outcome(exit_code=1, reason="runner_system_failure")
    finally:
        bench.executor.clean(job)
    try:
        _keep(job, bench, log, outcome)
        outcome = _upload(job, bench, log, coordinator, outcome)
    except (ServiceFailed, OSError) as error:
        log.say(f"\x1b[31;1mERROR: {error}\x1b[0;m")
        outcome = Outcome(exit_code=1, reason="runner_system_failure")
    log.say(_last_words(outcome))
    shutil.rmtree(bench.folder, ignore_errors=True)
    return outcome


def _last_words(outcome: Outcome) -> str:
    if outcome.success:
        return "\x1b[32;1mJob succeeded\x1b[0;m"
    said = {
        "script_failure": f"exit code {outcome.exit_code}",
        "job_execution_timeout": "execution took longer than the job's timeout",
    }
    why = "canceled" if outcome.canceled else said.get(outcome.reason, outcome.reason)
    return f"\x1b[31;1mERROR: Job failed: {why}\x1b[0;m"


# The scripts


def _run(job: RunnerJob, bench: Bench, log: Log) -> Outcome:
    main, after = job.step("script"), job.step("after_script")
    files = _variable_files(job, bench)
    outcome = Outcome()
    if main is not None:
        with log.section("step_script", 'Executing "step_script" stage of the job script'):
            outcome = _step(job, main, bench, log, files, stop=log.canceled, timeout=job.timeout)
    if after is not None and after.script:
        with log.section("after_script", "Running after_script"):
            more = {**files, "CI_JOB_STATUS": outcome.word}
            done = _step(job, after, bench, log, more, stop=log.gone, timeout=AFTER_SCRIPT)
            if not done.success:
                log.say(f"WARNING: after_script failed, but job will continue unaffected: exit code {done.exit_code}")
    return outcome


def _step(
    job: RunnerJob,
    step: Step,
    bench: Bench,
    log: Log,
    more: Mapping[str, str],
    *,
    stop: threading.Event,
    timeout: float,
) -> Outcome:
    environment = {
        **job.variables,
        "CI_PROJECT_DIR": bench.executor.inside(bench.clone),
        "CI_BUILDS_DIR": bench.executor.inside(bench.folder),
        "CI_RUNNER_DESCRIPTION": "mcci rehearse",
        "CI_RUNNER_VERSION": "18.6.0",
        "CI_JOB_STARTED_AT": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        **more,
    }
    try:
        code = bench.executor.run(
            job, script(step.script), bench.clone, environment,
            output=log.write, stop=stop, timeout=timeout, grace=GRACE,
        )  # fmt: skip
    except shell.Stopped:
        return Outcome(exit_code=143, canceled=True)
    except shell.TimedOut:
        return Outcome(exit_code=1, reason="job_execution_timeout")
    return Outcome(exit_code=code, reason="script_failure" if code else "")


def _variable_files(job: RunnerJob, bench: Bench) -> dict[str, str]:
    """Write the variables that are files, and return their paths as the job sees them."""
    folder = bench.folder / "variables"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    for name, value in job.files.items():
        (folder / name).write_text(value)
        (folder / name).chmod(0o600)
    return {name: bench.executor.inside(folder / name) for name in job.files}


# What comes in and goes out


def _restore(job: RunnerJob, bench: Bench, log: Log) -> None:
    wanted = [cache for cache in job.caches if cache.policy in ("pull", "pull-push")]
    if not wanted:
        return
    with log.section("restore_cache", "Restoring cache"):
        for cache in wanted:
            kept = _cached(cache, bench)
            log.say(f"Checking cache for {cache.key}...")
            if kept.exists():
                log.say(f"Successfully extracted cache: {archives.unpack(kept.read_bytes(), bench.clone)} files")
            else:
                log.say("No URL provided, cache will not be downloaded from shared cache server.")


def _keep(job: RunnerJob, bench: Bench, log: Log, outcome: Outcome) -> None:
    wanted = [
        cache for cache in job.caches if cache.policy in ("push", "pull-push") and _due(cache.when, outcome.success)
    ]
    if not wanted or outcome.canceled:
        return
    with log.section("archive_cache", "Saving cache"):
        for cache in wanted:
            files = [file for each in archives.picked(bench.clone, cache.paths).values() for file in each]
            kept = _cached(cache, bench)
            kept.parent.mkdir(parents=True, exist_ok=True)
            new = kept.with_suffix(f".{job.id}")
            new.write_bytes(archives.packed(bench.clone, files))
            new.replace(kept)
            log.say(f"Created cache {cache.key}: {len(files)} files")


def _cached(cache: Cache, bench: Bench) -> Path:
    digest = hashlib.sha256(cache.key.encode())
    for name in cache.files:
        file = bench.clone / name
        digest.update(file.read_bytes() if file.is_file() else b"")
    return bench.caches / f"{digest.hexdigest()[:32]}.zip"


def _download(job: RunnerJob, bench: Bench, log: Log, coordinator: Coordinator) -> None:
    if not job.dependencies:
        return
    with log.section("download_artifacts", "Downloading artifacts"):
        for number, name in job.dependencies:
            data = coordinator.download(number, job.token)
            if data is None:
                raise ServiceFailed(f"the artifacts of {name} ({number}) are no longer there")
            log.say(f"Downloading artifacts for {name} ({number})... {archives.unpack(data, bench.clone)} files")


def _upload(job: RunnerJob, bench: Bench, log: Log, coordinator: Coordinator, outcome: Outcome) -> Outcome:
    due = [archive for archive in job.archives if _due(archive.when, outcome.success)]
    if not due:
        return outcome
    with log.section(
        "upload_artifacts", "Uploading artifacts for " + ("successful" if outcome.success else "failed") + " job"
    ):
        for archive in due:
            refused = _hand_over(archive, job, bench, log, coordinator)
            if refused:
                log.say(f'\x1b[31;1mERROR: Uploading artifacts as "{archive.type}" to coordinator... {refused}\x1b[0;m')
                outcome = Outcome(exit_code=outcome.exit_code or 1, reason=outcome.reason or "runner_system_failure")
    return outcome


def _hand_over(archive: Archive, job: RunnerJob, bench: Bench, log: Log, coordinator: Coordinator) -> str:
    """Send one archive or report, and return "" or why GitLab does not take it."""
    found = archives.picked(bench.clone, archive.paths, archive.exclude)
    for pattern, files in found.items():
        if files:
            log.say(f"{pattern}: found {len(files)} matching artifact files and directories")
        else:
            log.say(f"\x1b[0;33mWARNING: {pattern}: no matching files. Ensure that the artifact path is relative to "
                    "the working directory\x1b[0;m")  # fmt: skip
    chosen = [file for files in found.values() for file in files]
    if archive.untracked:
        chosen += _untracked(bench.clone)
    if not chosen:
        log.say("\x1b[31;1mERROR: No files to upload\x1b[0;m")
        return ""
    if archive.format == "zip":
        data, name = archives.packed(bench.clone, chosen), f"{archive.name}.zip"
    else:
        data, name = archives.report(chosen), f"{archive.name}.gz"
    form = archive.format if archive.format == "zip" else "gzip"
    refused = coordinator.upload(
        job.id, job.token, name, data, kind=archive.type, form=form, expire_in=archive.expire_in
    )
    if not refused:
        log.say(f'Uploading artifacts as "{archive.type}" to coordinator... 201 Created')
    return refused


def _untracked(clone: Path) -> list[Path]:
    from mcci.clients.git import Repository

    found = Repository(clone).run("ls-files", "-z", "--others").stdout.decode(errors="surrogateescape")
    return [clone.resolve() / name for name in found.split("\0") if name]


def _due(when: str, success: bool) -> bool:
    return when == "always" or (when == "on_success") is success
