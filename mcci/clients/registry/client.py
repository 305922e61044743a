"""One registry: its manifests, blobs, tags and referrers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mcci.clients.registry import blobs, manifests
from mcci.clients.registry.errors import Mismatch, NotThere, Refused
from mcci.clients.registry.manifests import ACCEPTED, MAX_BYTES, Descriptor, Manifest
from mcci.clients.registry.transport import Settings, Transport

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from mcci.clients.registry.limits import PullLimit
    from mcci.clients.registry.reference import Reference

_ACCEPT = {"Accept": ", ".join(ACCEPTED)}


class Registry:
    """A registry, by its host. Safe to share among threads; every method retries what may pass.

    All raise `Denied` without (right) credentials, `Refused` for what will not pass, `RegistryFailed` otherwise.
    """

    def __init__(self, host: str, settings: Settings) -> None:
        self.host = host
        self.http = Transport(host, settings)

    def __enter__(self) -> Registry:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.http.close()

    @property
    def pull_limit(self) -> PullLimit | None:
        """Docker Hub's pull limit, as the last answer told it; None before that and elsewhere."""
        return self.http.pull_limit

    def head(self, image: Reference) -> Descriptor | None:
        """Return what `image` (a tag or a digest) stands for; None when there is no such image."""
        path = f"/v2/{image.repository}/manifests/{image.version}"
        reply = self.http.request("HEAD", path, pull(image), what=f"looking up {image}", headers=_ACCEPT)
        if reply.status_code == 404:
            return None
        digest = reply.headers.get("Docker-Content-Digest", "") or image.digest
        if not digest:  # the header is no must
            return self.get_manifest(image).descriptor
        if image.digest and digest != image.digest:
            raise Mismatch(f"{self.host} answers {digest} for {image}.")
        media_type = reply.headers.get("Content-Type", "").partition(";")[0].strip()
        return Descriptor(media_type=media_type, digest=digest, size=int(reply.headers.get("Content-Length") or 0))

    def exists(self, image: Reference) -> bool:
        """Return whether there is such an image."""
        return self.head(image) is not None

    def get_manifest(self, image: Reference) -> Manifest:
        """Return the manifest of `image`, its digest verified. Raises `NotThere`, `Mismatch`."""
        path = f"/v2/{image.repository}/manifests/{image.version}"
        reply = self.http.request("GET", path, pull(image), what=f"reading {image}", headers=_ACCEPT, follow=True)
        if reply.status_code == 404:
            raise self.http.missing(f"image {image}")
        if len(reply.content) > MAX_BYTES:
            raise Refused(f"the manifest of {image} is larger than 4 MiB.", status=0)
        expected = image.digest or reply.headers.get("Docker-Content-Digest", "")
        return manifests.parse(reply.content, reply.headers.get("Content-Type", ""), str(image), expected)

    def put_manifest(self, image: Reference, manifest: Manifest) -> bool:
        """Store `manifest` as `image` (a tag or a digest), byte for byte, and verify the digest.

        Returns whether the registry lists it among the referrers of its subject by itself.
        """
        path = f"/v2/{image.repository}/manifests/{image.version}"
        headers = {"Content-Type": manifest.media_type}
        reply = self.http.request(
            "PUT", path, push(image), what=f"writing {image}", headers=headers, content=manifest.raw
        )
        if reply.status_code == 404:
            raise self.http.missing(f"repository for {image}")
        told = reply.headers.get("Docker-Content-Digest", "")
        if told and told != manifest.digest:
            raise Mismatch(f"{self.host} stored {image} as {told}; it is {manifest.digest}.")
        return bool(manifest.subject) and reply.headers.get("OCI-Subject") == (manifest.subject or manifest).digest

    def config(self, image: Reference) -> dict[str, Any]:
        """Return the configuration of an image: of the first platform, where it has several."""
        manifest = self.get_manifest(image)
        if manifest.is_index:
            usual = [child for child in manifest.children if not child.platform.startswith("unknown")]
            if not usual:
                raise NotThere(f"the index {image} lists no image.")
            manifest = self.get_manifest(image.at(usual[0].digest))
        if manifest.config is None:
            return {}
        try:
            body = json.loads(self.blob(image, manifest.config))
        except ValueError as error:
            raise Refused(f"the configuration of {image} is not JSON.", status=0) from error
        return body if isinstance(body, dict) else {}

    def tags(self, repository: Reference) -> list[str]:
        """Return the repository's tags; none where there is no such repository."""
        path, found = f"/v2/{repository.repository}/tags/list", list[str]()
        while path:
            reply = self.http.request("GET", path, pull(repository), what=f"listing the tags of {repository.name}")
            if reply.status_code == 404:
                return found
            found += reply.json().get("tags") or []
            path = reply.links.get("next", {}).get("url", "")
        return found

    def referrers(self, image: Reference) -> tuple[Descriptor, ...]:
        """Return what refers to the digest of `image`: by the API, else by the tag that stands in for it."""
        path = f"/v2/{image.repository}/referrers/{image.digest}"
        found: dict[str, Descriptor] = {}
        while path:
            what = f"listing the referrers of {image}"
            reply = self.http.request("GET", path, pull(image), what=what, headers={"Accept": manifests.OCI_INDEX})
            if reply.status_code == 404 or "json" not in reply.headers.get("Content-Type", ""):
                return self.tagged_referrers(image)
            index = manifests.parse(reply.content, manifests.OCI_INDEX, f"the list of referrers of {image}")
            found |= {child.digest: child for child in index.children}
            path = reply.links.get("next", {}).get("url", "")
        return tuple(found.values())

    def tagged_referrers(self, image: Reference) -> tuple[Descriptor, ...]:
        """Return the referrers that the stand-in tag lists."""
        tag = image.at(manifests.referrers_tag(image.digest))
        try:
            return self.get_manifest(tag).children
        except NotThere:
            return ()

    def put_referrer(self, repository: Reference, manifest: Manifest) -> None:
        """Store a manifest that has a subject, so that the subject's referrers hold it in every registry."""
        assert manifest.subject
        if self.put_manifest(repository.at(manifest.digest), manifest):
            return
        subject = repository.at(manifest.subject.digest)
        listed = self.tagged_referrers(subject)
        if manifest.digest not in {each.digest for each in listed}:
            tag = subject.at(manifests.referrers_tag(subject.digest))
            self.put_manifest(tag, manifests.build_index([*listed, manifest.descriptor]))

    def has_blob(self, repository: Reference, digest: str) -> bool:
        """Return whether the repository holds this blob."""
        path = f"/v2/{repository.repository}/blobs/{digest}"
        reply = self.http.request(
            "HEAD", path, pull(repository), what=f"looking up a blob of {repository.name}", follow=True
        )
        return reply.status_code != 404

    def blob(self, repository: Reference, blob: Descriptor) -> bytes:
        """Return a small blob, its digest verified."""
        if blob.size > MAX_BYTES:
            raise Refused(f"the blob {blob.digest} of {repository.name} is too large to be read whole.", status=0)
        return b"".join(self.read_blob(repository, blob))

    def read_blob(self, repository: Reference, blob: Descriptor) -> Iterator[bytes]:
        """Yield a blob piece by piece, going on where the connection broke; its digest is verified at the end."""
        return blobs.verified(blobs.read(self.http, repository, blob), blob, repository)

    def put_blob(self, repository: Reference, data: bytes) -> str:
        """Store a blob that is in memory, unless it is there; return its digest."""
        digest = manifests.digest_of(data)
        if not self.has_blob(repository, digest):
            descriptor = Descriptor(media_type="", digest=digest, size=len(data))
            blobs.upload(self.http, repository, descriptor, lambda start, end: iter([data[start:end]]))
        return digest


def pull(image: Reference) -> str:
    """Return the scope to read a repository."""
    return f"repository:{image.repository}:pull"


def push(image: Reference) -> str:
    """Return the scope to write a repository."""
    return f"repository:{image.repository}:pull,push"
