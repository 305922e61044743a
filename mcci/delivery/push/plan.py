"""What is copied, and in which order, so that at no moment a registry holds something whose parts it lacks. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcci.clients.registry.manifests import Descriptor, Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """An image as its registry holds it.

    `manifests` are all of it by digest, what refers to it included; `referrers` are the digests that refer to a digest;
    `tagged` are the tags by which cosign finds its own (`sha256-….sig`), and what they stand for.
    """

    root: str
    manifests: Mapping[str, Manifest]
    referrers: Mapping[str, tuple[str, ...]]
    tagged: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One part of a copy: these blobs, then these manifests, the last of which needs all before it.

    Where the target has the last manifest already, it has the whole step.
    """

    blobs: tuple[Descriptor, ...]
    manifests: tuple[Manifest, ...]
    is_referrer: bool = False

    @property
    def top(self) -> Manifest:
        """The manifest that holds the rest."""
        return self.manifests[-1]


def steps(tree: Tree) -> tuple[Step, ...]:
    """Return the image itself, and then each thing that refers to it, what is referred to first."""
    done: set[str] = set()
    found = [_step(tree, tree.root, is_referrer=False)]
    waiting = [manifest.digest for manifest in found[0].manifests]
    while waiting:
        digest = waiting.pop(0)
        if digest in done:
            continue
        done.add(digest)
        for referrer in tree.referrers.get(digest, ()):
            if referrer not in done:
                found.append(_step(tree, referrer, is_referrer=True))
                waiting.append(referrer)
    return (*found, *(_step(tree, digest, is_referrer=True) for digest in _untold(tree, found)))


def _untold(tree: Tree, found: Iterable[Step]) -> list[str]:
    """Return what only a tag of cosign's leads to."""
    told = {manifest.digest for step in found for manifest in step.manifests}
    return [digest for digest in dict.fromkeys(tree.tagged.values()) if digest not in told]


def _step(tree: Tree, digest: str, *, is_referrer: bool) -> Step:
    manifests = _with_children(tree, digest)
    blobs = {blob.digest: blob for manifest in manifests for blob in manifest.blobs}
    return Step(blobs=tuple(blobs.values()), manifests=manifests, is_referrer=is_referrer)


def _with_children(tree: Tree, digest: str) -> tuple[Manifest, ...]:
    """Return a manifest after all that it lists, each once."""
    manifest = tree.manifests[digest]
    below = (each for child in manifest.children for each in _with_children(tree, child.digest))
    return tuple({each.digest: each for each in (*below, manifest)}.values())
