"""Pods' containers without an engine: the image's files, and its command as a process that sees only them.

The process gets a mount namespace of its own, in which the pod's volumes are bound into the image's files, and enters
them by chroot. It takes root, or a kernel that gives namespaces to anybody. There is no limit of memory.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mcci.clients import background
from mcci.clients.pods import unpack
from mcci.clients.pods.model import ImageFacts, NotStarted, Start
from mcci.clients.registry.client import Registry
from mcci.clients.registry.transport import Settings
from mcci.errors import McciError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcci.clients.engines.model import Credential
    from mcci.clients.registry.reference import Reference

NEEDED = ("unshare", "nsenter", "mount", "chroot")
WAIT = 5.0  # seconds that a killed process may take to go


class Processes:
    """Runs images that are unpacked below `images`, by their digest; who runs what stands in files beside them."""

    def __init__(self, images: Path) -> None:
        self._images = images

    def facts(self, image: Reference, credential: Credential, policy: str) -> ImageFacts:
        """Return what is known of an image, unpacked unless it is there. Raises `McciError`."""
        del credential  # the registry's client finds them itself
        with Registry(image.host, Settings(environment=os.environ)) as registry:
            found = registry.head(image)
            if found is None:
                raise McciError(f'failed to resolve reference "{image}": not found')
            folder = self._folder(found.digest)
            present = folder.is_dir()
            if policy == "Never" and not present:
                raise McciError(f'Container image "{image}" is not present with pull policy of Never')
            if not present:
                unpack.unpack(registry, image, folder)
            config = registry.config(image).get("config") or {}
        pairs = (entry.partition("=") for entry in config.get("Env") or ())
        return ImageFacts(
            name=f"{image.name}@{found.digest}", id=f"{image.name}@{found.digest}", present=present,
            environment={name: value for name, _, value in pairs}, entrypoint=tuple(config.get("Entrypoint") or ()),
            command=tuple(config.get("Cmd") or ()), user=config.get("User") or "",
            folder=config.get("WorkingDir") or "",
        )  # fmt: skip

    def start(self, spec: Start, owner: str) -> Process:
        """Start a container's process. Raises `NotStarted`."""
        missing = [name for name in NEEDED if not _which(name)]
        if missing:
            raise NotStarted(f"no container engine answers, and without one {', '.join(missing)} are needed")
        image = self._folder(spec.image.rpartition("@")[2])
        if not image.is_dir():
            raise NotStarted(f"the image {spec.image} is not unpacked")
        root = self._images / "running" / f"{owner}-{time.time_ns()}"
        shutil.copytree(image, root, symlinks=True, copy_function=_linked if spec.read_only else shutil.copy2)
        try:
            process = subprocess.Popen(
                _command(spec, root), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", **spec.environment},
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            shutil.rmtree(root, ignore_errors=True)
            raise NotStarted(str(error)) from error
        note = root.with_suffix(".json")
        note.write_text(json.dumps({"owner": owner, "pid": process.pid, "began": background.began(process.pid)}))
        return Process(process, root, note)

    def clean(self, owner: str) -> None:
        """End every process that an owner has left."""
        for note in sorted((self._images / "running").glob(f"{owner}-*.json")):
            found = json.loads(note.read_text())
            if found["began"] and background.began(found["pid"]) == found["began"]:
                with suppress(ProcessLookupError):
                    os.killpg(found["pid"], signal.SIGKILL)
            shutil.rmtree(note.with_suffix(""), ignore_errors=True)
            note.unlink(missing_ok=True)

    def _folder(self, digest: str) -> Path:
        return self._images / digest.replace(":", "-")


class Process:
    """A container's process."""

    def __init__(self, process: subprocess.Popen[bytes], root: Path, note: Path) -> None:
        self._process, self._root, self._note = process, root, note

    def follow(self, log: Callable[[bytes], None]) -> int:
        """Hand its output on until it ends; clear up; return its exit code, 128 and the signal where one ended it."""
        assert self._process.stdout is not None
        with self._process.stdout as output:
            while piece := os.read(output.fileno(), 65536):
                log(piece)
        code = self._process.wait()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        shutil.rmtree(self._root, ignore_errors=True)
        self._note.unlink(missing_ok=True)
        return 128 - code if code < 0 else code

    def signal(self, number: int) -> None:
        """Send it a signal; SIGKILL goes to all that it has started, too."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number) if number == signal.SIGKILL else os.kill(self._process.pid, number)

    def execute(self, command: tuple[str, ...]) -> tuple[int, str]:
        """Run a command beside it: in its namespaces and files."""
        own = ["--user", "--preserve-credentials"] if os.geteuid() else []
        enter = [_which("nsenter"), "--target", str(self._process.pid), *own, "--mount", "--root", *command]
        done = subprocess.run(enter, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout + done.stderr


def _command(spec: Start, root: Path) -> list[str]:
    """Return the command line: namespaces, the mounts as a small script, chroot, and what the container runs."""
    steps = ["set -e"]
    place, mount = shlex.quote(str(root)), _which("mount")
    for name in ("dev", "proc"):
        (root / name).mkdir(exist_ok=True)
        steps.append(f"{mount} --rbind /{name} {shlex.quote(str(root / name))}")
    for volume in spec.volumes:
        target = root / volume.target.lstrip("/")
        if volume.source.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            target.touch()
        steps.append(f"{mount} --bind {shlex.quote(str(volume.source))} {shlex.quote(str(target))}")
    if spec.read_only:
        steps[1:1] = [f"{mount} --rbind {place} {place}", f"{mount} -o remount,bind,ro {place}"]
    is_root = os.geteuid() == 0
    user = spec.user if ":" in spec.user or not spec.user else f"{spec.user}:{spec.user}"
    who = ["--userspec", user] if is_root and user else []
    inside = shlex.join([_which("chroot"), *who, str(root)])
    folder = shlex.quote(spec.folder or "/")
    # the folder is entered inside, by the image's own shell where it has one
    steps.append(
        f'exec {inside} /bin/sh -c \'cd {folder} && exec "$@"\' sh "$@"'
        if (root / "bin/sh").exists()
        else f'exec {inside} "$@"'
    )
    namespaces = ["--mount"] if is_root else ["--user", "--map-root-user", "--mount"]
    return [_which("unshare"), *namespaces, "/bin/sh", "-c", "\n".join(steps), "sh", *spec.command]


def _which(name: str) -> str:
    """Return where a program is: the container's own PATH says nothing of this machine."""
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin") or ""


def _linked(source: str, target: str) -> None:
    """Copy a file by a link where that works: for containers that cannot write to it."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)
