"""Why a service is or is not built again: its inputs against those of its last image; pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from mcci.delivery.content_tags.inputs import FORMAT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcci.delivery.content_tags.inputs import Inputs


class Cause(Enum):
    """What made the content differ."""

    FIRST = "first"
    FILE = "file"
    SETTING = "setting"
    BASE = "base"
    SERVICE = "service"
    FORMAT = "format"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One reason to build: its kind, what differs, and what it was and is."""

    cause: Cause
    what: str
    was: str = ""
    now: str = ""

    def __str__(self) -> str:
        if self.cause is Cause.FILE:
            return f"{'added' if not self.was else 'changed' if self.now else 'removed'} {self.what}"
        if self.cause is Cause.BASE:
            return f"base image {self.what}: {self.was or 'not used'} → {self.now or 'not used any more'}"
        if self.cause is Cause.SETTING:
            return f"{self.what} in mcci.yml: {self.was} → {self.now}"
        if self.cause is Cause.SERVICE:
            return f"{self.what}, which it depends on, has another content"
        return self.what


def differences(
    now: Inputs, before: Mapping[str, Any], files_before: Mapping[str, str] | None
) -> tuple[Difference, ...]:
    """Return why an image of `now` is another than the one labelled `before` (`Inputs.summary`).

    `files_before` are the files that image was built from; None where that commit is not in the clone. When nothing
    differs the image had this very content, and is no longer under its content tag.
    """
    found = tuple(_differences(now, before, files_before))
    if found:
        return found
    return (Difference(cause=Cause.GONE, what="the last image has this content, but not this content tag any more"),)


def _differences(
    now: Inputs, before: Mapping[str, Any], files_before: Mapping[str, str] | None
) -> Iterator[Difference]:
    if before.get("format") != FORMAT:
        yield Difference(cause=Cause.FORMAT, what="the last image was built by another version of mcci")
        return
    summary = now.summary
    if summary["files"] != before.get("files"):
        if files_before is None:
            what = "files changed; which ones, this clone is too shallow to tell"
            yield Difference(cause=Cause.FILE, what=what, was="?", now="?")
        else:
            for path, was, is_ in _changes(files_before, now.files):
                yield Difference(cause=Cause.FILE, what=path, was=was, now=is_)
    for cause, key in ((Cause.SETTING, "settings"), (Cause.BASE, "bases"), (Cause.SERVICE, "services")):
        for what, was, is_ in _changes(before.get(key) or {}, summary[key]):
            yield Difference(cause=cause, what=what, was=was, now=is_)


def _changes(before: Mapping[str, object], now: Mapping[str, object]) -> Iterator[tuple[str, str, str]]:
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key):
            yield key, _text(before.get(key)), _text(now.get(key))


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={each}" for key, each in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "" if value is None else str(value)
