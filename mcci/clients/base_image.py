"""A base image without a hub: the Python that runs mcci, a shell, and the libraries they need, as one tar file."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from mcci.errors import ServiceFailed

if TYPE_CHECKING:
    from collections.abc import Iterable

PROGRAMS = ("/bin/sh", "/bin/ls", "/bin/cat", "/bin/sleep", "/bin/dd", "/bin/mkdir", "/usr/bin/id")
LEFT_OUT = frozenset(
    {"test", "tests", "idlelib", "tkinter", "lib2to3", "__pycache__", "site-packages", "dist-packages", "ensurepip"}
)


def write(path: Path) -> None:
    """Write the image's files as a tar file for `docker import` to `path`."""
    interpreter = Path(sys.executable).resolve()
    stdlib = Path(sysconfig.get_path("stdlib"))
    files = {Path("/usr/bin/python3"): interpreter}
    home = Path(f"/usr/lib/python{sys.version_info.major}.{sys.version_info.minor}")
    files |= {home / each.relative_to(stdlib): each for each in _modules(stdlib)}
    files |= {home / each.relative_to(_pip()): each for each in _pip_files()}
    files |= {Path(program): Path(program) for program in PROGRAMS}
    native = [each for each in files.values() if _is_native(each)]
    for library in _libraries(native):
        # The loader looks in /usr/lib, wherever the interpreter was built.
        files[library if str(library).startswith("/lib") else Path("/usr/lib", library.name)] = library
    with tarfile.open(path, "w") as archive:
        for folder, mode in (("tmp", 0o1777), ("etc", 0o755), ("proc", 0o755), ("dev", 0o755)):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            archive.addfile(entry)
        for name, text in (("etc/passwd", "root:x:0:0::/:/bin/sh\n"), ("etc/group", "root:x:0:\n")):
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
        for target, source in sorted(files.items()):
            archive.add(source.resolve(), str(target).lstrip("/"), recursive=False)


def environment() -> dict[str, str]:
    """Return the variables that the interpreter needs, away from where it was built."""
    return {"PATH": "/usr/bin:/bin", "PYTHONHOME": "/usr"}


def publish(host: str, name: str) -> None:
    """Make the image with the engine at DOCKER_HOST, under `name` (with a tag), and push it. Raises `ServiceFailed`.

    `host` is the engine's address, "" for the usual one.
    """
    import tempfile

    import docker
    import docker.errors

    changes = [f"ENV {key}={value}" for key, value in environment().items()]
    address = {"base_url": host} if host else docker.utils.kwargs_from_env()
    client = docker.APIClient(version="auto", **address)
    try:
        with tempfile.TemporaryDirectory(prefix="mcci-") as folder:
            tar = Path(folder, "base.tar")
            write(tar)
            repository, _, tag = name.rpartition(":")
            client.import_image_from_file(str(tar), repository=repository, tag=tag, changes=changes)
        for event in client.push(repository, tag=tag, stream=True, decode=True):
            if "error" in event:
                raise ServiceFailed(f"the base image could not be pushed to {name}: {event['error']}")
    except docker.errors.APIError as error:
        raise ServiceFailed(f"the base image could not be made: {error.explanation or error}") from error
    finally:
        client.close()


def _modules(stdlib: Path) -> list[Path]:
    return [
        each
        for each in stdlib.rglob("*")
        if each.is_file()
        and not LEFT_OUT & set(each.relative_to(stdlib).parts)
        and each.suffix not in (".pyc", ".a")
        and not any(part.startswith("config-") for part in each.relative_to(stdlib).parts)
    ]


def _pip() -> Path:
    import pip

    return Path(pip.__file__).parent.parent


def _pip_files() -> list[Path]:
    return [each for each in (_pip() / "pip").rglob("*") if each.is_file() and each.suffix != ".pyc"]


def _is_native(path: Path) -> bool:
    if path.suffix == ".py" or re.match(
        r"_?(curses|readline|tkinter|g?dbm|sqlite3|test|xx|codecs|ctypes_test)", path.name
    ):
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def _libraries(programs: Iterable[Path]) -> set[Path]:
    found: set[Path] = set()
    listing = subprocess.run(["ldd", *map(str, programs)], capture_output=True, text=True, check=False).stdout
    for line in listing.splitlines():
        words = line.split()
        if "=>" in words and words[-2].startswith("/"):
            found.add(Path(words[-2]))
        elif words and words[0].startswith("/") and not words[0].endswith(":"):
            found.add(Path(words[0]))
    return found
