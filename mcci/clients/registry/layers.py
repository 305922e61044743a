"""An image's files, read from its layers in the registry: only those that are looked for, the rest streams past."""

from __future__ import annotations

import io
import posixpath
import tarfile
import zlib
from typing import TYPE_CHECKING

from mcci.clients.registry.errors import NotThere, Refused

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    from mcci.clients.registry.client import Registry
    from mcci.clients.registry.manifests import Manifest
    from mcci.clients.registry.reference import Reference

MAX_FILE = 128 * 2**20  # a Java application is one file
BUFFER = 2**20
WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"


def read(registry: Registry, image: Reference, wanted: re.Pattern[str]) -> dict[str, bytes]:
    """Return the files of `image` (of its first platform) whose path, without a leading slash, is `wanted`.

    Raises `Refused` for a layer in a compression that Python does not know, `Mismatch` for an altered one.
    """
    manifest = registry.get_manifest(image)
    if manifest.is_index:
        usual = [child for child in manifest.children if not child.platform.startswith("unknown")]
        if not usual:
            raise NotThere(f"the index {image} lists no image.")
        manifest = registry.get_manifest(image.at(usual[0].digest))
    return _merged(registry, image, manifest, wanted)


def _merged(registry: Registry, image: Reference, manifest: Manifest, wanted: re.Pattern[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for layer in manifest.layers:
        if layer.is_foreign:
            continue
        if layer.media_type.endswith("zstd"):
            raise Refused(f"a layer of {image} is compressed with zstd, which mcci does not read.", status=0)
        try:
            # a generator that is not read to its end has verified nothing, so the rest is read past
            pieces = registry.read_blob(image, layer)
            for path, data in _files(pieces, wanted):
                _apply(found, path, data)
            for _ in pieces:
                pass
        except (tarfile.TarError, zlib.error, EOFError) as error:
            raise Refused(
                f"the layer {layer.digest} of {image} is no tar archive that can be read.", status=0
            ) from error
    return found


def _files(pieces: Iterator[bytes], wanted: re.Pattern[str]) -> Iterator[tuple[str, bytes | None]]:
    """Yield the wanted files of a layer with their bytes, and the paths that it takes away, with None."""
    with tarfile.open(fileobj=_Stream(pieces), mode="r|*", bufsize=BUFFER) as archive:
        for entry in archive:
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


class _Stream(io.RawIOBase):
    """What `tarfile` reads from, over pieces."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._held = pieces, b""

    def read(self, size: int = -1) -> bytes:
        while len(self._held) < size:
            piece = next(self._pieces, b"")
            if not piece:
                break
            self._held += piece
        data, self._held = self._held[:size], self._held[size:]
        return data
