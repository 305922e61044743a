"""Copies an image from one registry to another, blobs side by side, in bounded memory."""

from __future__ import annotations

from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mcci.clients.registry import blobs
from mcci.clients.registry.errors import NotThere, Stopped
from mcci.delivery.push.plan import Tree, steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcci.clients.registry.client import Registry
    from mcci.clients.registry.manifests import Descriptor, Manifest
    from mcci.clients.registry.reference import Reference
    from mcci.delivery.push.plan import Step

AT_ONCE = 4  # blobs under way; each holds a few pieces in memory
COSIGN = (".sig", ".att", ".sbom")


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What a copy took: blobs sent, of them bytes; blobs mounted within one registry; blobs that were there."""

    sent: int = 0
    sent_bytes: int = 0
    mounted: int = 0
    present: int = 0

    def __add__(self, other: Copied) -> Copied:
        return Copied(
            sent=self.sent + other.sent,
            sent_bytes=self.sent_bytes + other.sent_bytes,
            mounted=self.mounted + other.mounted,
            present=self.present + other.present,
        )


def survey(registry: Registry, image: Reference) -> Tree:
    """Return all that belongs to `image` (by digest): its manifests, and what refers to them.

    Raises `NotThere` where the registry has no such image.
    """
    manifests: dict[str, Manifest] = {}
    referrers: dict[str, tuple[str, ...]] = {}
    tagged: dict[str, str] = {}
    waiting = [image.digest]
    while waiting:
        digest = waiting.pop(0)
        if digest in manifests:
            continue
        manifest = manifests[digest] = registry.get_manifest(image.at(digest))
        found = tuple(each.digest for each in registry.referrers(image.at(digest)))
        referrers[digest] = tuple(each for each in found if registry.exists(image.at(each)))
        waiting += [child.digest for child in manifest.children] + list(referrers[digest])
        if manifest.subject is None and manifest.layers + manifest.children:
            for tag, held in _cosign(registry, image.at(digest)):
                tagged[tag] = held
                waiting.append(held)
    return Tree(root=image.digest, manifests=manifests, referrers=referrers, tagged=tagged)


def _cosign(registry: Registry, image: Reference) -> Iterator[tuple[str, str]]:
    for suffix in COSIGN:
        tag = image.digest.replace(":", "-") + suffix
        found = registry.head(image.at(tag))
        if found:
            yield tag, found.digest


class Told(Protocol):
    """Who is told how far a copy is."""

    def expect(self, blobs: Iterable[Descriptor], /) -> None:
        """Take in which blobs are to be there."""

    def at(self, digest: str, position: int, /) -> None:
        """Take in that a blob is there up to `position`."""


class Nobody:
    """Nobody is told."""

    def expect(self, _blobs: Iterable[Descriptor], /) -> None:
        """Nothing."""

    def at(self, _digest: str, _position: int, /) -> None:
        """Nothing."""


def copy(
    source: Registry, image: Reference, target: Registry, repository: Reference, told: Told | None = None
) -> Copied:
    """Copy `image` (by digest) and what refers to it to `repository`, and verify that it is there. No tag is written.

    Raises what registries raise; then the target has nothing that points to a part it lacks.
    """
    tree = survey(source, image)
    work = _Copy(source=source, image=image, target=target, repository=repository, told=told or Nobody())
    total = Copied()
    for step in steps(tree):
        total += work.step(step)
    for tag, digest in tree.tagged.items():
        if not target.exists(repository.at(tag)):
            target.put_manifest(repository.at(tag), tree.manifests[digest])
    found = target.head(repository.at(image.digest))
    if found is None:
        raise NotThere(f"{target.host} took {repository.at(image.digest)} and does not have it. Run again.")
    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copy:
    """A copy under way: of `image` in `source`, to `repository` in `target`."""

    source: Registry
    image: Reference
    target: Registry
    repository: Reference
    told: Told

    def step(self, step: Step) -> Copied:
        if self.target.exists(self.repository.at(step.top.digest)):
            if step.is_referrer and step.top.subject:
                self.target.put_referrer(self.repository, step.top)
            return Copied(present=len(step.blobs))
        self.told.expect(step.blobs)
        total = Copied()
        for each in self.blobs(step.blobs):
            total += each
        for manifest in step.manifests:
            if manifest.subject:
                self.target.put_referrer(self.repository, manifest)
            else:
                self.target.put_manifest(self.repository.at(manifest.digest), manifest)
        return total

    def blobs(self, wanted: tuple[Descriptor, ...]) -> list[Copied]:
        """Copy blobs, the large ones first; when one fails, or the process is told to end, the others stop."""
        pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="copy")
        try:
            running = [pool.submit(self.blob, blob) for blob in sorted(wanted, key=lambda blob: -blob.size)]
            if any(each.exception() for each in wait(running, return_when=FIRST_EXCEPTION).done):
                self.stop()
            failed = [error for each in running if (error := each.exception()) and not isinstance(error, Stopped)]
            if failed:
                raise failed[0]
            return [each.result() for each in running]
        except BaseException:
            self.stop()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def stop(self) -> None:
        for each in (self.source, self.target):
            each.http.settings.stop.set()

    def blob(self, blob: Descriptor) -> Copied:
        if self.target.has_blob(self.repository, blob.digest):
            self.told.at(blob.digest, blob.size)
            return Copied(present=1)

        def pieces(start: int, end: int) -> Iterator[bytes]:
            for piece in blobs.read(self.source.http, self.image, blob, start, end):
                yield piece
                start += len(piece)
                self.told.at(blob.digest, start)

        mount_from = self.image.repository if self.source.host == self.target.host else ""
        if blobs.upload(self.target.http, self.repository, blob, pieces, mount_from):
            return Copied(sent=1, sent_bytes=blob.size)
        self.told.at(blob.digest, blob.size)
        return Copied(mounted=1)
