"""Where a cluster's objects are kept: in memory as JSON text, and in SQLite, from where a restart reads them again.

Text rather than dicts: every reader parses its own copy, so nobody changes what another one holds.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Object = dict[str, Any]

# What outlives a kill of the process is enough; a power cut may lose the last writes.
SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = OFF;
CREATE TABLE IF NOT EXISTS objects (
    grp TEXT, plural TEXT, namespace TEXT, name TEXT, text TEXT, PRIMARY KEY (grp, plural, namespace, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS revision (id INTEGER PRIMARY KEY CHECK (id = 0), value INTEGER);
INSERT OR IGNORE INTO revision VALUES (0, 0);
"""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Key:
    """Where an object stands; ordered as the API lists."""

    group: str
    plural: str
    namespace: str
    name: str


@dataclass(slots=True)
class Records:
    """All objects of one cluster. Not safe for several threads by itself: the store holds its lock."""

    path: Path | None = None
    revision: int = 0
    _database: sqlite3.Connection = field(init=False, repr=False)
    _texts: dict[tuple[str, str], dict[tuple[str, str], str]] = field(init=False, default_factory=dict, repr=False)
    _uids: dict[str, Key] = field(init=False, default_factory=dict, repr=False)
    _owned: dict[str, set[Key]] = field(init=False, default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Open the file (or memory) and read what an earlier process left there."""
        self._database = sqlite3.connect(self.path or ":memory:", check_same_thread=False, isolation_level=None)
        self._database.executescript(SCHEMA)
        (self.revision,) = self._database.execute("SELECT value FROM revision").fetchone()
        for group, plural, namespace, name, text in self._database.execute("SELECT * FROM objects"):
            self._remember(Key(group=group, plural=plural, namespace=namespace, name=name), text)

    def text(self, key: Key) -> str | None:
        """Return an object's JSON."""
        return self._texts.get((key.group, key.plural), {}).get((key.namespace, key.name))

    def texts(self, group: str, plural: str, namespace: str = "") -> Iterator[str]:
        """Give the JSON of all objects of a kind, ordered by namespace and name."""
        found = self._texts.get((group, plural), {})
        for place in sorted(found):
            if not namespace or place[0] == namespace:
                yield found[place]

    def has_uid(self, uid: str) -> bool:
        """Say whether an object with that uid is there."""
        return uid in self._uids

    def key_of(self, uid: str) -> Key | None:
        """Return where the object with that uid stands."""
        return self._uids.get(uid)

    def owned_by(self, uid: str) -> list[Key]:
        """Return the objects whose ownerReferences name this uid."""
        return sorted(self._owned.get(uid, ()))

    def next_revision(self) -> int:
        """Count up the cluster's resourceVersion."""
        self.revision += 1
        return self.revision

    def write(self, key: Key, body: Object) -> str:
        """Keep an object, new or changed; return its JSON."""
        self._forget(key)
        text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
        self._remember(key, text, body)
        with self._transaction():
            self._database.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?)", (*_place(key), text))
        return text

    def remove(self, key: Key) -> None:
        """Forget an object."""
        self._forget(key)
        with self._transaction():
            self._database.execute(
                "DELETE FROM objects WHERE grp = ? AND plural = ? AND namespace = ? AND name = ?", _place(key)
            )

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _transaction(self) -> _Transaction:
        return _Transaction(self._database, self.revision)

    def _remember(self, key: Key, text: str, body: Object | None = None) -> None:
        self._texts.setdefault((key.group, key.plural), {})[key.namespace, key.name] = text
        metadata = (body or json.loads(text))["metadata"]
        self._uids[metadata["uid"]] = key
        for owner in metadata.get("ownerReferences", ()):
            self._owned.setdefault(owner["uid"], set()).add(key)

    def _forget(self, key: Key) -> None:
        text = self._texts.get((key.group, key.plural), {}).pop((key.namespace, key.name), None)
        if text is None:
            return
        metadata = json.loads(text)["metadata"]
        self._uids.pop(metadata["uid"], None)
        for owner in metadata.get("ownerReferences", ()):
            self._owned.get(owner["uid"], set()).discard(key)
            if not self._owned.get(owner["uid"], True):
                del self._owned[owner["uid"]]


class _Transaction:
    """One write and the revision it got, both or neither."""

    def __init__(self, database: sqlite3.Connection, revision: int) -> None:
        self._database = database
        self._revision = revision

    def __enter__(self) -> None:
        self._database.execute("BEGIN IMMEDIATE")
        self._database.execute("UPDATE revision SET value = ?", (self._revision,))

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._database.execute("ROLLBACK" if kind else "COMMIT")


def _place(key: Key) -> tuple[str, str, str, str]:
    return key.group, key.plural, key.namespace, key.name
