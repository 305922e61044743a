"""Jobs in their own images, with their services, where an engine is here and the images can be had.

Where they cannot, the job runs in a shell of this machine, and its log says so and why. Source for how GitLab Runner
does it: https://docs.gitlab.com/runner/executors/docker/
"""

from __future__ import annotations

import os
import re
import shlex
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from mcci.clients import probe, shell
from mcci.clients.engines import job_containers
from mcci.clients.engines.job_containers import Service, Start
from mcci.clients.registry import credentials, reference
from mcci.clients.shell import mark_of
from mcci.errors import McciError, ServiceFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

    from mcci.clients.registry.credentials import Credentials
    from mcci.clients.registry.reference import Reference
    from mcci.rehearsal.runner.executor import Executor
    from mcci.rehearsal.runner.job import Image, RunnerJob

BUILDS = "/builds"
POLICIES = ("if-not-present",)  # a rehearsal is played again and again; GitLab Runner's own default is `always`
READY = 30.0  # seconds; GitLab Runner's wait_for_services_timeout
SHELLS = "/usr/local/bin/bash /usr/bin/bash /bin/bash /usr/local/bin/sh /usr/bin/sh /bin/sh /busybox/sh"


class Images:
    """Which images can be had, for all jobs of a runner: what could not be had is not asked for again."""

    def __init__(self, here: Collection[str] = ()) -> None:
        """Jobs with the images `here` run on this machine all the same: it has what those jobs want of them."""
        self._here = here
        self._missing: dict[str, str] = {}
        self._absent: str | None = None
        self._lock = threading.Lock()

    def executor(self, job: RunnerJob, fallback: Executor) -> Executor:
        """Return what runs a job: `fallback` where it wants no image, or one that it need not have."""
        return fallback if job.image is None or job.image.name in self._here else Containers(fallback, self)

    def end_left(self, mark: str) -> None:
        """End what a killed runner has left of a job: for `Runner`."""
        shell.end_marked(mark)
        if not self.absent():
            with suppress(McciError):
                job_containers.remove(mark)

    def absent(self) -> str:
        """Return why there is no engine, "" where there is one."""
        with self._lock:
            if self._absent is None:
                self._absent = job_containers.absent()
            return self._absent

    def ensure(self, image: Image, job: RunnerJob) -> Reference:
        """Have an image here. Raises `McciError` where that cannot be."""
        found = reference.parse(image.name)
        found = found if found.version else found.at("latest")
        with self._lock:
            if image.name in self._missing:
                raise ServiceFailed(self._missing[image.name])

        def credential(host: str) -> Credentials | None:
            return credentials.find(host, {**os.environ, **job.variables})

        try:
            job_containers.ensure(found, image.pull_policy or POLICIES, credential)
        except McciError as error:
            with self._lock:
                self._missing[image.name] = str(error)
            raise
        return found


class Containers:
    """Runs one job in a container of its image; `fallback` is what runs it where that cannot be."""

    def __init__(self, fallback: Executor, images: Images) -> None:
        self.name = "docker"
        self._fallback = fallback
        self._images = images
        self._image: Reference | None = None  # None: the fallback runs it
        self._hosts: dict[str, str] = {}
        self._container = ""
        self._folders: tuple[Path, str] | None = None

    def prepare(self, job: RunnerJob, clone: Path) -> Iterator[str]:
        """Have the image, start the services, and say what comes of it."""
        why = ""
        if job.image is not None and not (why := self._images.absent()):
            yield f"Using Docker executor with image {job.image.name} ..."
            try:
                self._image = self._images.ensure(job.image, job)
                yield from self._serve(job)
            except McciError as error:
                self._image, why = None, str(error)
                self._remove(job)
        if self._image is not None:
            self._folders = clone, f"{BUILDS}/{job.project}"
            return
        self.name = self._fallback.name
        if why:
            yield f"WARNING: {why}"
        yield from self._fallback.prepare(job, clone)

    def inside(self, path: Path) -> str:
        """Return where a folder of the runner's is in the container, as GitLab Runner has it."""
        if self._folders is None:
            return self._fallback.inside(path)
        clone, there = self._folders
        if path.is_relative_to(clone):
            return "/".join((there, *path.relative_to(clone).parts))
        more = path.relative_to(clone.parent).parts
        return "/".join((f"{there}.tmp", *more)) if more else BUILDS

    def run(
        self, job: RunnerJob, script: str, clone: Path, environment: Mapping[str, str], *,
        output: Callable[[bytes], None], stop: threading.Event, timeout: float, grace: float,
    ) -> int:  # fmt: skip
        """Run a script in the job's container, which is the same for `script` and `after_script`."""
        if self._folders is None or self._image is None or job.image is None:
            return self._fallback.run(
                job, script, clone, environment, output=output, stop=stop, timeout=timeout, grace=grace
            )
        there = self._folders[1]
        exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in environment.items() if _fits(name))
        (clone.parent / "script.sh").write_text(f"{exports}{script}")
        if not self._container:
            if job_containers.user_of(self._image):
                _open(clone.parent)
            self._container = job_containers.create(
                Start(
                    image=self._image, mark=mark_of(job.token), entrypoint=job.image.entrypoint,
                    command=["sh", "-c", _shell(f"{there}.tmp/script.sh")],
                    environment=_unasked(environment) | {n: v for n, v in environment.items() if _fits(n)},
                    mounts={str(clone.parent): f"{there}.tmp", str(clone): there}, folder=there, hosts=self._hosts,
                    user=job.image.user,
                )
            )  # fmt: skip
        return job_containers.run(self._container, output=output, stop=stop, timeout=timeout, grace=grace)

    def clean(self, job: RunnerJob) -> None:
        """Remove the job's containers and network, whatever state they are in. What it wrote is then this user's."""
        if self._image is not None:
            if self._container and os.getuid():
                self._own(clone=self._folders[0] if self._folders else None, mark=mark_of(job.token))
            self._remove(job)
        self._fallback.clean(job)

    def _own(self, clone: Path | None, mark: str) -> None:
        """Give what the container's root has made to this user, who could not remove it."""
        assert self._image is not None
        assert clone is not None
        command = ["-R", f"{os.getuid()}:{os.getgid()}", BUILDS]
        with suppress(McciError):
            made = job_containers.create(
                Start(image=self._image, mark=mark, entrypoint=["chown"], command=command, user="0",
                      mounts={str(clone.parent): BUILDS})
            )  # fmt: skip
            job_containers.run(made, output=lambda _: None, stop=threading.Event(), timeout=READY, grace=1)

    def _remove(self, job: RunnerJob) -> None:
        with suppress(McciError):  # an engine that is gone has taken its containers with it
            job_containers.remove(mark_of(job.token))

    def _serve(self, job: RunnerJob) -> Iterator[str]:
        if not job.services:
            return
        images = [self._images.ensure(each, job) for each in job.services]
        network = job_containers.network(mark_of(job.token))
        started: list[tuple[str, Service]] = []
        for service, image in zip(job.services, images, strict=True):
            yield f"Starting service {service.name} ..."
            names = aliases(service)
            found = job_containers.serve(
                Start(
                    image=image, mark=mark_of(job.token), entrypoint=service.entrypoint, command=service.command,
                    environment={**job.variables, **service.variables}, network=network, aliases=names,
                )
            )  # fmt: skip
            self._hosts |= dict.fromkeys(names, found.address)
            started.append((service.name, found))
        yield "Waiting for services to be up and running ..."
        end = time.monotonic() + READY
        for name, found in started:
            if not _ready(found, end):
                yield f"*** WARNING: Service {name} probably didn't start properly. Its log ends with:"
                yield job_containers.log(found.id)


def aliases(service: Image) -> tuple[str, ...]:
    """Return the host names of a service: those it was given, and the two that GitLab makes of its image's name.

    Source: https://docs.gitlab.com/ci/services/#accessing-the-services
    """
    bare = re.sub(r":[^/]*$", "", service.name.partition("@")[0])
    bare = re.sub(r":\d+(?=/)", "", bare)
    given = re.split(r"[\s,]+", service.alias.strip()) if service.alias.strip() else []
    return tuple(dict.fromkeys([*given, bare.replace("/", "__"), bare.replace("/", "-")]))


def _ready(service: Service, end: float) -> bool:
    for port in service.ports:
        while probe.answers(service.address, port, ""):
            if time.monotonic() > end:
                return False
            time.sleep(0.1)
    return True


def _shell(script: str) -> str:
    """Return what runs a script with the best shell that an image has."""
    return f'for s in {SHELLS}; do [ -x "$s" ] && exec "$s" {shlex.quote(script)}; done; echo no shell >&2; exit 1'


def _fits(name: str) -> bool:
    return re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) is not None


def _unasked(environment: Mapping[str, str]) -> dict[str, str]:
    """Let git work in a clone that is another user's, unless the job says something of it itself."""
    if "GIT_CONFIG_COUNT" in environment:
        return {}
    return {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}


def _open(folder: Path) -> None:
    """Let everybody write: the image's user is not this one. GitLab Runner's clones are so, too."""
    for path, folders, names in os.walk(folder):
        for name in (*folders, *names, "."):
            target = os.path.join(path, name)
            if not os.path.islink(target):
                os.chmod(target, os.stat(target).st_mode | (0o777 if os.path.isdir(target) else 0o666))
