"""Conditions of an object's status: the list that says, type by type, what holds and since when. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from mcci.lab.clusters.store import timestamp

Object = dict[str, Any]


def find(body: Object, kind: str) -> Object | None:
    """Return a condition of an object's status."""
    return next((each for each in body.get("status", {}).get("conditions") or () if each["type"] == kind), None)


def is_true(body: Object, kind: str) -> bool:
    """Say whether a condition is there and holds."""
    return (find(body, kind) or {}).get("status") == "True"


def parse(text: str) -> datetime:
    """Read a moment as the API writes it."""
    return datetime.fromisoformat(text).astimezone(UTC)


def set_condition(
    status: Object,
    kind: str,
    value: bool | None,
    reason: str,
    message: str,
    now: datetime,
    *,
    updated: str = "",
    refresh: bool = False,
) -> None:
    """Set a condition in `status`; its lastTransitionTime moves only when its value does.

    `updated` names the field that tells of the last change of any kind (`lastUpdateTime`); `refresh` moves it even
    where nothing changed.
    """
    conditions: list[Object] = status.setdefault("conditions", [])
    text = {True: "True", False: "False", None: "Unknown"}[value]
    at = timestamp(now)
    old = next((each for each in conditions if each["type"] == kind), None)
    new: Object = {"type": kind, "status": text, "lastTransitionTime": at}
    if old and old["status"] == text:
        new["lastTransitionTime"] = old.get("lastTransitionTime", at)
    if updated:
        same = old and not refresh and (old["status"], old.get("reason")) == (text, reason)
        new[updated] = old[updated] if old and same else at
    new |= {key: told for key, told in (("reason", reason), ("message", message)) if told}
    if old is None:
        conditions.append(new)
    else:
        old.clear()
        old.update(new)


def remove(status: Object, kind: str) -> None:
    """Take a condition away."""
    status["conditions"] = [each for each in status.get("conditions") or () if each["type"] != kind]
