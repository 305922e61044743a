"""Pushes candidates: every image is copied and verified before the first tag is written."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mcci.clients.registry.errors import NotThere
from mcci.delivery import registries
from mcci.delivery.push import tags
from mcci.delivery.push.copy import Copied, copy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcci.clients.registry.reference import Reference
    from mcci.config.model import Config
    from mcci.delivery.candidates import Candidate
    from mcci.delivery.push.progress import Progress
    from mcci.delivery.registries import Registries


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """A service's image on its way to the release registry, and the tags it is to get there."""

    candidate: Candidate
    target: Reference
    tags: tuple[str, ...]
    must_copy: bool
    copied: Copied = field(default_factory=Copied)

    @property
    def image(self) -> Reference:
        """The image in the release registry."""
        return self.target.at(self.candidate.image.digest)


def plan(config: Config, candidates: Iterable[Candidate], release: str, opened: Registries) -> list[Push]:
    """Return what is to be pushed, having looked that it is there and that no tag stands in the way.

    Raises `NotThere`, `TagMoved`.
    """
    return [_plan(config, candidate, release, opened) for candidate in candidates]


def _plan(config: Config, candidate: Candidate, release: str, opened: Registries) -> Push:
    target = registries.release_repository(config, config.services[candidate.service])
    image = candidate.image
    is_there = opened.of(target).exists(target.at(image.digest))
    has_candidate = image.name != target.name and opened.of(image).exists(image)
    if not is_there and not has_candidate:
        advice = "It was deleted since it was built: run the pipeline's build job again."
        raise NotThere(f"{candidate.service}: there is no image {image} any more. {advice}")
    now = {tag: _digest(opened, target.at(tag)) for tag in (candidate.content_tag, release)}
    wanted = tags.wanted(release, candidate.content_tag, image.digest, unchanged=candidate.unchanged, now=now)
    return Push(candidate=candidate, target=target, tags=tuple(wanted), must_copy=has_candidate)


def run(pushes: Iterable[Push], opened: Registries, progress: Progress) -> list[Push]:
    """Copy every image, then write the tags, and return what was done. Run again, it ends in the same state."""
    done = [replace(push, copied=_copied(push, opened, progress)) for push in pushes]
    for push in done:
        _tag(push, opened)
    return done


def _copied(push: Push, opened: Registries, progress: Progress) -> Copied:
    if not push.must_copy:
        return Copied()
    image, target = push.candidate.image, push.target
    return copy(opened.of(image), image, opened.of(target), target, progress.of(push.candidate.service))


def _tag(push: Push, opened: Registries) -> None:
    """Write the tags, the release's last, and read each back."""
    registry = opened.of(push.target)
    manifest = registry.get_manifest(push.image) if push.tags else None
    for tag in push.tags:
        assert manifest
        registry.put_manifest(push.target.at(tag), manifest)
        held = _digest(opened, push.target.at(tag))
        if held != manifest.digest:
            raise tags.TagMoved(f"{push.target.at(tag)} was written as {manifest.digest}, and stands for {held} now.")


def _digest(opened: Registries, image: Reference) -> str | None:
    found = opened.of(image).head(image)
    return found.digest if found else None
