"""What lies between two releases, service by service. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcci.config.model import Config
    from mcci.delivery.release.model import Image, Release


class Kind(Enum):
    """What became of a service."""

    SAME = "same"
    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One service, before and after; None where a release does not have it."""

    service: str
    before: Image | None
    after: Image | None

    @property
    def kind(self) -> Kind:
        """What became of it."""
        if self.before is None:
            return Kind.ADDED
        if self.after is None:
            return Kind.REMOVED
        same = self.before.image.digest == self.after.image.digest
        return Kind.SAME if same else Kind.CHANGED


def compare(before: Release, after: Release) -> list[Change]:
    """Return every service of either release, in the order of the later one."""
    names = dict.fromkeys([*after.images, *before.images])
    return [Change(service=name, before=before.images.get(name), after=after.images.get(name)) for name in names]


def paths(config: Config, service: str) -> list[str]:
    """Return the folders that the image of `service` is built from: its own, and those it depends on."""
    found: dict[str, None] = {}
    waiting = [service]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop(0)
        if name in seen or name not in config.services:
            continue
        seen.add(name)
        each = config.services[name]
        found |= dict.fromkeys([each.folder, each.build_context, *each.needed_folders])
        waiting += each.needed_services
    return list(found)
