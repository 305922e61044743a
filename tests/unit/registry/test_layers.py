"""An image's files, read from its layers."""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import threading
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from mcci.clients.registry import compression, layers, manifests
from mcci.clients.registry.errors import Mismatch, NotThere, Refused
from mcci.clients.registry.layers import Layers
from mcci.clients.registry.manifests import Descriptor, Manifest, digest_of
from mcci.clients.registry.reference import parse
from mcci.delivery.candidates import BASE_LABEL
from mcci.delivery.supply_chain import job

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mcci.clients.registry.reference import Reference

IMAGE = parse("registry.example/shop/cart@sha256:" + "a" * 64)
EVERYTHING = re.compile(".*")
LONG = "deep/" * 60 + "file"


def tar(files: Mapping[str, bytes], kind: int = tarfile.PAX_FORMAT) -> bytes:
    """Return a layer, not compressed."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=kind) as archive:
        for path, data in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return raw.getvalue()


def members(data: bytes) -> bytes:
    """Return `data` compressed as layers that are read lazily are: one gzip member after the other."""
    return b"".join(gzip.compress(data[at : at + 700]) for at in range(0, len(data), 700))


def frames(data: bytes) -> bytes:
    """Return `data` as zstd compresses it, in two frames."""
    zstd = pytest.importorskip("backports.zstd", reason="no backports.zstd: pip install backports.zstd")
    return bytes(zstd.compress(data[:900]) + zstd.compress(data[900:]))


class Registry:
    """A registry that holds one image, and counts what is read of it."""

    def __init__(self, *blobs: bytes, labels: Mapping[str, str] | None = None) -> None:
        self.blobs = {digest_of(blob): blob for blob in blobs}
        self.labels = labels
        found = [Descriptor(media_type="", digest=digest_of(blob), size=len(blob)) for blob in blobs]
        empty = Descriptor(media_type="", digest=digest_of(b"{}"), size=2)
        self.manifest = manifests.build(config=empty, layers=found)
        self.read: list[str] = []
        self.last = threading.Event()

    def get_manifest(self, _image: Reference) -> Manifest:
        """Return the image's manifest."""
        return self.manifest

    def config(self, _image: Reference) -> dict[str, Any]:
        """Return the image's configuration."""
        return {"config": {"Labels": self.labels}}

    def read_blob(self, _image: Reference, blob: Descriptor) -> Iterator[bytes]:
        """Yield a blob in small pieces; verified at the end, as the real one is."""
        self.read.append(blob.digest)
        data = self.blobs[blob.digest]
        for at in range(0, len(data), 301):
            yield data[at : at + 301]
        if digest_of(data) != blob.digest:
            raise Mismatch("altered")
        if blob == self.manifest.layers[-1]:
            self.last.set()


def files(registry: Any, wanted: re.Pattern[str] = EVERYTHING) -> dict[str, bytes]:
    """Return what is read of the registry's image."""
    return Layers(wanted).files(registry, IMAGE)


@pytest.mark.parametrize("kind", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
@pytest.mark.parametrize("compress", [bytes, gzip.compress, members, frames])
def test_compressions(compress: Callable[[bytes], bytes], kind: int) -> None:
    """A layer's files are read whatever it is compressed with, in several members or frames too."""
    held = {"etc/os-release": b"ID=debian\n", "a": b"", "b/big": b"0123456789" * 5000, LONG[-79:]: b"x"}
    assert files(Registry(compress(tar(held, kind)))) == held


def test_long_names() -> None:
    """Names that do not fit a tar's header are whole."""
    for kind in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        assert files(Registry(gzip.compress(tar({LONG: b"x"}, kind)))) == {LONG: b"x"}


def test_layers_apply_in_order() -> None:
    """A later layer's files take the place of earlier ones', and what it takes away is gone, folders too."""
    one = tar({"a": b"1", "d/x": b"1", "d/y": b"1", "e/x": b"1", "dx": b"1"})
    two = tar({"a": b"2", "d/.wh.x": b"", ".wh.e": b""})
    three = tar({"d/.wh..wh..opq": b"", "d/z": b"3"})
    assert files(Registry(one, gzip.compress(two), three)) == {"a": b"2", "dx": b"1", "d/z": b"3"}


def test_only_what_is_wanted() -> None:
    """What is not looked for is not kept."""
    assert files(Registry(tar({"./etc/x": b"1", "/etc/y": b"2", "z": b"3"})), re.compile("etc/.")) == {
        "etc/x": b"1", "etc/y": b"2",
    }  # fmt: skip


@pytest.mark.parametrize(
    "blob",
    [gzip.compress(tar({"a": b"1" * 2000}))[:-40], b"no tar", b"", gzip.compress(b"no tar"), b"\x1f\x8bnonsense"],
    ids=["cut", "text", "empty", "text-compressed", "no-gzip"],
)
def test_damaged(blob: bytes) -> None:
    """A layer that is no archive is refused by its digest."""
    with pytest.raises(Refused, match=digest_of(blob)):
        files(Registry(blob))


def test_altered() -> None:
    """A layer that is not what its digest says is refused, though its archive can be read."""
    registry = Registry(tar({"a": b"1"}))
    (digest,) = registry.blobs
    registry.blobs[digest] = tar({"a": b"2"})
    with pytest.raises(Mismatch):
        files(registry)


def test_memory() -> None:
    """However well a layer is compressed, it passes in small pieces."""
    blob = gzip.compress(tar({"zeros": bytes(64 * 2**20)}))
    tracemalloc.start()
    assert files(Registry(blob), re.compile("none")) == {}
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 8 * compression.MOST


def test_read_once() -> None:
    """A layer that two images share is read once; one whose files are large is not held on to."""
    base, large = tar({"base": b"1"}), tar({"large": bytes(layers.KEPT + 1)})
    one, two = Registry(base, tar({"one": b"1"}), large), Registry(base, tar({"two": b"2"}), large)
    read = Layers(EVERYTHING)
    first: Any = one
    second: Any = two
    assert set(read.files(first, IMAGE)) == {"base", "one", "large"}
    assert set(read.files(second, IMAGE)) == {"base", "two", "large"}
    assert digest_of(base) not in two.read
    assert digest_of(large) in two.read


def test_head_start() -> None:
    """While an image is built upon the same base as the last one, the layers of that are read already."""
    registry: Any = Registry(tar({"base": b"1"}), tar({"app": b"1"}), labels={BASE_LABEL: "sha256:b"})
    read = Layers(EVERYTHING)
    with job.head_start(registry, IMAGE, "sha256:b", read):
        assert registry.last.wait(10)
    assert read.files(registry, IMAGE) == {"base": b"1", "app": b"1"}
    assert len(registry.read) == 2


@pytest.mark.parametrize(("labels", "base"), [({BASE_LABEL: "sha256:c"}, "sha256:b"), (None, "sha256:b"), ({}, "")])
def test_no_head_start(labels: Mapping[str, str] | None, base: str) -> None:
    """Nothing is read of an image that has another base, or none."""
    registry: Any = Registry(tar({"base": b"1"}), labels=labels)
    job.read_ahead(registry, IMAGE, base, Layers(EVERYTHING), threading.Event())
    assert registry.read == []


def test_head_start_fails() -> None:
    """That there is no last image is nobody's concern."""

    class Empty(Registry):
        def config(self, _image: Reference) -> dict[str, Any]:
            raise NotThere("none")

    registry: Any = Empty()
    job.read_ahead(registry, IMAGE, "sha256:b", Layers(EVERYTHING), threading.Event())
