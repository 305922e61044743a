"""Garbage collection: what an object owned goes with it, at once; the real cluster does the same a moment later."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.lifecycle import copy_of, owned_by, stop_waiting, waits_in_foreground

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcci.lab.clusters.records import Key, Records

Object = dict[str, Any]


class Garbage:
    """Follows ownerReferences. `replace` and `delete` are the store's, which holds its lock."""

    def __init__(
        self,
        records: Records,
        replace: Callable[[Key, Object, Object], Object],
        delete: Callable[[Key, Object, int | None, Any], Object],
    ) -> None:
        """Look for owners and what they own in these records."""
        self._records = records
        self._replace = replace
        self._delete = delete

    def collect(self, uid: str, propagation: str = "Background") -> None:
        """Delete what this owner owned and nobody else owns."""
        for key in self._records.owned_by(uid):
            if (text := self._records.text(key)) is None:
                continue  # went with another one in this loop
            current: Object = json.loads(text)
            others = [owner for owner in current["metadata"]["ownerReferences"] if owner["uid"] != uid]
            if any(self._records.has_uid(owner["uid"]) for owner in others):
                self._replace(key, current, owned_by(current, others))
            elif "deletionTimestamp" not in current["metadata"]:
                self._delete(key, current, None, propagation)

    def collect_ownerless(self, key: Key, made: Object) -> None:
        """Delete an object made for an owner that is gone by now."""
        owners = made["metadata"].get("ownerReferences", ())
        if owners and not any(self._records.has_uid(owner["uid"]) for owner in owners):
            self._delete(key, made, 0, "Background")

    def orphan(self, uid: str) -> None:
        """Take this owner from what it owns."""
        for key in self._records.owned_by(uid):
            current = self._read(key)
            others = [owner for owner in current["metadata"]["ownerReferences"] if owner["uid"] != uid]
            self._replace(key, current, owned_by(current, others))

    def let_go(self, uid: str) -> None:
        """Remove an owner that waited in the foreground for the last of what it owned."""
        key = self._records.key_of(uid)
        if key is None or self._records.owned_by(uid):
            return
        current = self._read(key)
        wanted = copy_of(current)
        if "deletionTimestamp" in current["metadata"] and waits_in_foreground(current):
            stop_waiting(wanted)
            self._replace(key, current, wanted)

    def _read(self, key: Key) -> Object:
        parsed: Object = json.loads(self._records.text(key) or "{}")
        return parsed
