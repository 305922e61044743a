"""What tells the versions apart: one table, so that three images come out of one source tree."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What a version does."""

    photo: bool
    faulty: bool


VERSIONS = {
    "v1": Features(photo=False, faulty=False),
    "v2": Features(photo=True, faulty=False),
    "v3": Features(photo=True, faulty=True),
}
