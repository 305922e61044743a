"""An image's files, read from its layers in the registry: only those that are looked for, the rest streams past."""

from __future__ import annotations

import posixpath
import tarfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import IO, TYPE_CHECKING, cast

from mcci.clients.registry.compression import plain
from mcci.clients.registry.errors import NotThere, Refused

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    from mcci.clients.registry.client import Registry
    from mcci.clients.registry.manifests import Descriptor, Manifest
    from mcci.clients.registry.reference import Reference

MAX_FILE = 128 * 2**20  # a Java application is one file
KEPT = 16 * 2**20  # bytes of one layer's files that are kept for the next image
AT_ONCE = 2
WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"

# the wanted files of one layer, by path, in order; None for what it takes away
Change = tuple[str, bytes | None]


class Layers:
    """The files whose path, without a leading slash, is `wanted`: of each layer, which is read once. Thread-safe."""

    def __init__(self, wanted: re.Pattern[str]) -> None:
        self._wanted = wanted
        self._kept: dict[str, tuple[Change, ...]] = {}
        self._gates: dict[str, Lock] = {}
        self._lock = Lock()

    def files(self, registry: Registry, image: Reference) -> dict[str, bytes]:
        """Return the files of `image` (of its first platform).

        Raises `Refused` for a layer in a compression that Python does not know, `Mismatch` for an altered one.
        """
        layers = [each for each in self._manifest(registry, image).layers if not each.is_foreign]
        found: dict[str, bytes] = {}
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="layers") as pool:
            for changes in pool.map(lambda layer: self.of(registry, image, layer), layers):
                for path, data in changes:
                    _apply(found, path, data)
        return found

    def of(self, registry: Registry, image: Reference, layer: Descriptor) -> tuple[Change, ...]:
        """Return what one layer of `image` changes; where another thread reads it already, that is waited for."""
        with self._lock:
            gate = self._gates.setdefault(layer.digest, Lock())
        with gate:
            if layer.digest in self._kept:
                return self._kept[layer.digest]
            found = tuple(_changes(registry, image, layer, self._wanted))
            if sum(len(data or b"") for _, data in found) <= KEPT:
                self._kept[layer.digest] = found
            return found

    @staticmethod
    def _manifest(registry: Registry, image: Reference) -> Manifest:
        manifest = registry.get_manifest(image)
        if not manifest.is_index:
            return manifest
        usual = [child for child in manifest.children if not child.platform.startswith("unknown")]
        if not usual:
            raise NotThere(f"the index {image} lists no image.")
        return registry.get_manifest(image.at(usual[0].digest))


def _changes(registry: Registry, image: Reference, layer: Descriptor, wanted: re.Pattern[str]) -> Iterator[Change]:
    # a generator that is not read to its end has verified nothing, so the rest is read past
    pieces = registry.read_blob(image, layer)
    try:
        yield from _files(plain(pieces), wanted)
        for _ in pieces:
            pass
    except (tarfile.TarError, zlib.error, EOFError, ValueError) as error:
        raise Refused(f"the layer {layer.digest} of {image} is no tar archive that can be read.", status=0) from error


def _files(pieces: Iterator[bytes], wanted: re.Pattern[str]) -> Iterator[Change]:
    """Yield the wanted files of a layer with their bytes, and the paths that it takes away, with None."""
    # tarfile's own stream mode copies its whole buffer for each header
    with tarfile.open(fileobj=cast("IO[bytes]", _Forward(pieces)), mode="r:") as archive:
        while entry := archive.next():
            archive.members.clear()  # type: ignore[attr-defined] # it would remember them all
            path = posixpath.normpath(entry.name).lstrip("/")
            if posixpath.basename(path).startswith(WHITEOUT):
                yield path, None
            elif entry.isfile() and entry.size <= MAX_FILE and wanted.fullmatch(path):
                file = archive.extractfile(entry)
                yield path, file.read() if file else b""


def _apply(found: dict[str, bytes], path: str, data: bytes | None) -> None:
    folder, name = posixpath.split(path)
    if data is not None:
        found[path] = data
        return
    gone = folder if name == OPAQUE else posixpath.join(folder, name.removeprefix(WHITEOUT))
    for each in [each for each in found if each == gone or each.startswith(f"{gone}/")]:
        del found[each]


class _Forward:
    """Pieces as a file that is read forward only: `tarfile` reads one entry after the other."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held = memoryview(b"")
        self._at = 0

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int) -> int:
        while self._at < offset and (step := self._take(offset - self._at)):
            del step
        if self._at > offset:
            raise tarfile.StreamError("a file in it lies before another that was read")
        return self._at

    def read(self, size: int) -> bytes:
        parts: list[memoryview] = []
        while size > 0 and (part := self._take(size)):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _take(self, most: int) -> memoryview:
        """Return up to so many bytes; none at the end."""
        while not self._held:
            piece = next(self._pieces, None)
            if piece is None:
                return self._held
            self._held = memoryview(piece)
        taken, self._held = self._held[:most], self._held[most:]
        self._at += len(taken)
        return taken
