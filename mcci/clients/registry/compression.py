"""Layers, decompressed as they come, in bounded memory: gzip, zstd, or neither.

Source: https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Protocol

from mcci.clients.registry.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
MOST = 2**20  # bytes that are decompressed at a time, however well they are compressed


class Decompressor(Protocol):
    """What decompresses one gzip member or zstd frame."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def plain(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what `pieces` hold, decompressed as their first bytes tell: media types are not always right.

    Raises `zlib.error`, `EOFError` or `ValueError` for damaged ones, `Refused` where this Python cannot do it.
    """
    head = b""
    while len(head) < len(ZSTD) and (piece := next(pieces, b"")):
        head += piece
    if head.startswith(GZIP):
        yield from _inflated(_Gzip, head, pieces)
    elif head.startswith(ZSTD):
        yield from _inflated(_zstd(), head, pieces)
    else:
        yield head
        for piece in pieces:  # `yield from` would close them with this, and nobody could read on
            yield piece


def _inflated(new: Callable[[], Decompressor], piece: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the content of one member or frame after the other: layers that are read lazily have one a file."""
    worker = new()
    while piece:
        yield worker.decompress(piece, MOST)
        while not worker.needs_input and not worker.eof:
            yield worker.decompress(b"", MOST)
        piece = worker.unused_data.lstrip(b"\0") if worker.eof else b""
        piece = piece or next(pieces, b"")
        if worker.eof and piece:
            worker = new()
    if not worker.eof:
        raise EOFError


class _Gzip:
    """zlib's decompressor, in the shape that the others have."""

    def __init__(self) -> None:
        self._worker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)

    @property
    def eof(self) -> bool:
        return self._worker.eof

    @property
    def needs_input(self) -> bool:
        return not self._worker.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._worker.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return self._worker.decompress(self._worker.unconsumed_tail + data, max_length)


def _zstd() -> Callable[[], Decompressor]:
    from importlib import import_module

    for name in ("compression.zstd", "backports.zstd"):  # of Python 3.14, and the same for those before
        try:
            found: Callable[[], Decompressor] = import_module(name).ZstdDecompressor
        except ImportError:
            continue
        return found
    raise Refused("a layer is compressed with zstd, which needs the package backports.zstd. Install it.", status=0)
