"""Small images, put together in memory and pushed by mcci's own client; the registry verifies every digest."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

from mcci.clients.registry import manifests
from mcci.clients.registry.manifests import OCI_MANIFEST, Descriptor, Manifest, digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.clients.registry.client import Registry
    from mcci.clients.registry.reference import Reference

CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"


def layer(files: Mapping[str, bytes]) -> bytes:
    """Return a layer with these files; the same files give the same bytes."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for path, data in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return gzip.compress(raw.getvalue(), 1, mtime=0)


def config(labels: Mapping[str, str], layers: list[bytes]) -> bytes:
    """Return an image's configuration."""
    diffs = [digest_of(gzip.decompress(each) if each[:2] == b"\x1f\x8b" else each) for each in layers]
    body: dict[str, Any] = {"architecture": "amd64", "os": "linux", "config": {"Labels": dict(labels)}}
    body["rootfs"] = {"type": "layers", "diff_ids": diffs}
    return json.dumps(body).encode()


def push(
    registry: Registry,
    repository: Reference,
    layers: list[bytes],
    labels: Mapping[str, str] | None = None,
    tag: str = "",
) -> Manifest:
    """Push an image of these layers, and return its manifest."""
    blobs = [(CONFIG_TYPE, config(labels or {}, layers)), *((LAYER_TYPE, each) for each in layers)]
    descriptors = [
        Descriptor(media_type=kind, digest=registry.put_blob(repository, data), size=len(data)) for kind, data in blobs
    ]
    manifest = manifests.build(config=descriptors[0], layers=descriptors[1:])
    registry.put_manifest(repository.at(tag or manifest.digest), manifest)
    return manifest


def push_index(registry: Registry, repository: Reference, children: Mapping[str, Manifest]) -> Manifest:
    """Push an index of images, by platform (`linux/amd64`)."""
    entries = [
        {**child.descriptor.body(), "platform": dict(zip(("os", "architecture"), platform.split("/"), strict=True))}
        for platform, child in children.items()
    ]
    body = {"schemaVersion": 2, "mediaType": manifests.OCI_INDEX, "manifests": entries}
    index = manifests.parse(json.dumps(body).encode(), manifests.OCI_INDEX, "the index")
    registry.put_manifest(repository.at(index.digest), index)
    return index


def attach(registry: Registry, repository: Reference, subject: Manifest, kind: str, data: bytes) -> Manifest:
    """Push something that refers to `subject`."""
    empty = Descriptor(media_type=manifests.OCI_EMPTY, digest=registry.put_blob(repository, b"{}"), size=2)
    blob = Descriptor(media_type=kind, digest=registry.put_blob(repository, data), size=len(data))
    manifest = manifests.build(config=empty, layers=[blob], artifact_type=kind, subject=subject.descriptor)
    registry.put_referrer(repository, manifest)
    return manifest


__all__ = ["OCI_MANIFEST", "attach", "config", "layer", "push", "push_index"]
