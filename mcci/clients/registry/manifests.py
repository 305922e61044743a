"""Manifests and indexes, read: what an image is made of. Their bytes are kept as they came: the digest is of those.

Source: https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md, image-index.md, descriptor.md
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcci.clients.registry.errors import Mismatch, Refused
from mcci.clients.registry.reference import DIGEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEXES = frozenset({OCI_INDEX, DOCKER_INDEX})
ACCEPTED = (OCI_INDEX, OCI_MANIFEST, DOCKER_INDEX, DOCKER_MANIFEST)
MAX_BYTES = 4 * 2**20  # what registries take, by the distribution specification
EMPTY = b"{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """What points at a blob or a manifest."""

    media_type: str
    digest: str
    size: int
    annotations: Mapping[str, str] = field(default_factory=dict)
    artifact_type: str = ""
    platform: str = ""
    is_foreign: bool = False  # kept elsewhere by its licence: never copied

    def body(self) -> dict[str, Any]:
        """Return the descriptor as JSON writes it."""
        extra = {"artifactType": self.artifact_type} if self.artifact_type else {}
        notes = {"annotations": dict(self.annotations)} if self.annotations else {}
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size, **extra, **notes}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest or an index: its bytes, and what they say."""

    media_type: str
    digest: str
    raw: bytes = field(repr=False)
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] = ()
    children: tuple[Descriptor, ...] = ()
    subject: Descriptor | None = None
    artifact_type: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_index(self) -> bool:
        """Whether it lists manifests, one a platform, in place of layers."""
        return self.media_type in INDEXES

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """What must be in the registry before the manifest."""
        config = (self.config,) if self.config else ()
        return tuple(blob for blob in (*config, *self.layers) if not blob.is_foreign)

    @property
    def descriptor(self) -> Descriptor:
        """What points at this manifest."""
        kind = self.artifact_type or (self.config.media_type if self.config and self.subject else "")
        return Descriptor(
            media_type=self.media_type, digest=self.digest, size=len(self.raw), artifact_type=kind,
            annotations=self.annotations,
        )  # fmt: skip


def digest_of(data: bytes) -> str:
    """Return the digest of `data`."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def parse(raw: bytes, media_type: str, where: str, expected: str = "") -> Manifest:
    """Return the manifest in `raw`; `where` names it in messages.

    Raises `Mismatch` when its digest is not `expected`, `Refused` when it is of a kind that mcci does not copy.
    """
    digest = digest_of(raw)
    if expected.startswith("sha512:"):
        digest = f"sha512:{hashlib.sha512(raw).hexdigest()}"
    if expected and digest != expected:
        raise Mismatch(f"{where} has the digest {digest}, not {expected}: it was altered. It is not used.")
    try:
        body = json.loads(raw)
        media_type = body.get("mediaType") or media_type.partition(";")[0].strip()
        if media_type not in ACCEPTED:
            raise Refused(f"{where} is a '{media_type}', which mcci does not know: build it as an OCI image.", status=0)
        return _read(body, media_type, digest, raw)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused(
            f"{where} is not a manifest that can be read ({error or type(error).__name__}).", status=0
        ) from error


def _read(body: dict[str, Any], media_type: str, digest: str, raw: bytes) -> Manifest:
    return Manifest(
        media_type=media_type,
        digest=digest,
        raw=raw,
        config=_descriptor(body["config"]) if body.get("config") else None,
        layers=tuple(_descriptor(each) for each in body.get("layers") or ()),
        children=tuple(_descriptor(each) for each in body.get("manifests") or ()),
        subject=_descriptor(body["subject"]) if body.get("subject") else None,
        artifact_type=str(body.get("artifactType") or ""),
        annotations=body.get("annotations") or {},
    )


def _descriptor(body: dict[str, Any]) -> Descriptor:
    digest, size = body["digest"], body["size"]
    if not DIGEST.fullmatch(digest) or not isinstance(size, int) or size < 0:
        raise ValueError(f"the descriptor {digest!r} is not sound")
    media_type = str(body.get("mediaType", ""))
    platform = body.get("platform") or {}
    return Descriptor(
        media_type=media_type,
        digest=digest,
        size=size,
        annotations=body.get("annotations") or {},
        artifact_type=str(body.get("artifactType") or ""),
        platform="/".join(str(platform[key]) for key in ("os", "architecture", "variant") if platform.get(key)),
        is_foreign="nondistributable" in media_type or ".foreign." in media_type,
    )


def build(
    *,
    config: Descriptor,
    layers: Iterable[Descriptor],
    artifact_type: str = "",
    subject: Descriptor | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Manifest:
    """Return a new OCI manifest; the same arguments give the same bytes."""
    body: dict[str, Any] = {"schemaVersion": 2, "mediaType": OCI_MANIFEST}
    body |= {"artifactType": artifact_type} if artifact_type else {}
    body |= {"config": config.body(), "layers": [layer.body() for layer in layers]}
    body |= {"subject": _pointer(subject).body()} if subject else {}
    body |= {"annotations": dict(annotations)} if annotations else {}
    raw = json.dumps(body, separators=(",", ":")).encode()
    return parse(raw, OCI_MANIFEST, "the new manifest")


def build_index(entries: Iterable[Descriptor]) -> Manifest:
    """Return a new OCI index of these manifests."""
    body = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry.body() for entry in entries]}
    return parse(json.dumps(body, separators=(",", ":")).encode(), OCI_INDEX, "the new index")


def _pointer(subject: Descriptor) -> Descriptor:
    return Descriptor(media_type=subject.media_type, digest=subject.digest, size=subject.size)


def referrers_tag(digest: str) -> str:
    """Return the tag that lists the referrers of `digest` in a registry without the referrers API."""
    algorithm, _, encoded = digest.partition(":")
    return f"{algorithm[:32]}-{encoded[:64]}"
