"""An image's files on disk, from the registry: for machines without a container engine."""

from __future__ import annotations

import os
import posixpath
import shutil
import tarfile
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

from mcci.clients.registry.compression import plain
from mcci.clients.registry.errors import NotThere, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mcci.clients.registry.client import Registry
    from mcci.clients.registry.manifests import Manifest
    from mcci.clients.registry.reference import Reference

WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"


def manifest_of(registry: Registry, image: Reference) -> Manifest:
    """Return the manifest of an image: of its first platform, where it has several."""
    manifest = registry.get_manifest(image)
    if not manifest.is_index:
        return manifest
    usual = [child for child in manifest.children if not child.platform.startswith("unknown")]
    if not usual:
        raise NotThere(f"the index {image} lists no image.")
    return registry.get_manifest(image.at(usual[0].digest))


def unpack(registry: Registry, image: Reference, folder: Path) -> None:
    """Write the files of an image to `folder`, which is there whole or not at all. Raises `Refused`, `Mismatch`."""
    made = folder.with_name(f"{folder.name}.{os.getpid()}")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    try:
        for layer in manifest_of(registry, image).layers:
            if not layer.is_foreign:
                pieces = registry.read_blob(image, layer)
                _extract(_Stream(plain(pieces)), made, f"the layer {layer.digest} of {image}")
                for _ in pieces:  # what is not read to its end is not verified
                    pass
        with suppress(OSError):  # another process was faster
            made.rename(folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _extract(stream: _Stream, folder: Path, what: str) -> None:
    """Apply a layer. Device files are left out; nothing is written outside of `folder`, or through a link."""
    try:
        with tarfile.open(fileobj=stream, mode="r|") as archive:  # type: ignore[call-overload]
            for entry in archive:
                entry.name = posixpath.normpath(entry.name).lstrip("/")
                head, name = posixpath.split(entry.name)
                if name == OPAQUE:
                    for each in (folder / head).iterdir():
                        _remove(each)
                elif name.startswith(WHITEOUT):
                    _remove(folder / head / name.removeprefix(WHITEOUT))
                elif entry.isfile() or entry.isdir() or entry.issym() or entry.islnk():
                    _place(archive, entry, folder)
    except (tarfile.TarError, zlib.error, EOFError, ValueError) as error:
        raise Refused(f"{what} is no tar archive that can be read: {error}.", status=0) from error


def _place(archive: tarfile.TarFile, entry: tarfile.TarInfo, folder: Path) -> None:
    target = folder / entry.name
    if not (entry.isdir() and target.is_dir() and not target.is_symlink()):
        _remove(target)
    # absolute links point into the image: harmless there, as it is entered by chroot
    archive.extract(entry, folder, filter=_inside)


def _inside(entry: tarfile.TarInfo, folder: str) -> tarfile.TarInfo:
    real = os.path.realpath(os.path.join(folder, posixpath.dirname(entry.name)))
    if real != os.path.realpath(folder) and not real.startswith(os.path.realpath(folder) + os.sep):
        raise tarfile.OutsideDestinationError(entry, real)
    return entry.replace(uid=os.getuid(), gid=os.getgid(), uname="", gname="", deep=False)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


class _Stream:
    """Pieces, as something that can be read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._held = pieces, b""

    def read(self, size: int) -> bytes:
        """Return that many bytes; fewer at the end."""
        while len(self._held) < size and (piece := next(self._pieces, b"")):
            self._held += piece
        data, self._held = self._held[:size], self._held[size:]
        return data
