"""One cluster's objects, as etcd and the API's registry keep them. The REST server and the controllers share one store.

For who builds on it:

- Objects are the API's JSON as dicts. What you get is your own copy; what you give is copied.
- `resource` is one of `mcci.lab.clusters.resources` (`DEPLOYMENTS`, `PODS`, …).
- Threads: every method may be called from any thread and returns at once (one lock, memory, one small SQLite
  write). Nothing here is asyncio. From a coroutine call it directly.
- Watching: `watch(resource, sink)` first tells all there is as ADDED, then each change, with no gap between.
  `sink` is called with the lock held, so it only hands the event on: `queue.SimpleQueue().put`, or
  `lambda event: loop.call_soon_threadsafe(queue.put_nowait, event)`.
- Changing: `change(resource, name, namespace, edit)` reads, edits and writes under the lock: a controller needs no
  retry. `update` is the API's PUT: a stale `metadata.resourceVersion` raises ApiError 409.
- Deleting: an object with finalizers (or a Pod on a node, for its grace period; or a Namespace, for
  `spec.finalizers`) only gets its deletionTimestamp. It goes once `change` takes the last finalizer away, and a Pod
  once who runs it calls `delete(..., grace_seconds=0)`. What an object owns (`metadata.ownerReferences`) goes with
  it: no controller needed.
- Writes that change nothing make no event and no new resourceVersion.
- `metadata.generation` counts changes outside metadata and status, for kinds that have it.
"""

from __future__ import annotations

import json
import threading
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from mcci.lab.clusters.garbage import Garbage
from mcci.lab.clusters.history import Event, History
from mcci.lab.clusters.lifecycle import (
    FIXED,
    check_same,
    copy_of,
    grace_of,
    held,
    is_core,
    key_of,
    outside,
    to_text,
    wait_in_foreground,
    waits_in_foreground,
    with_status,
    without_status,
)
from mcci.lab.clusters.records import Records
from mcci.lab.clusters.status import exists, not_found

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mcci.lab.clusters.records import Key
    from mcci.lab.clusters.resources import Resource

Object = dict[str, Any]
Objects = list[Object]
Propagation = Literal["Background", "Foreground", "Orphan"]


def timestamp(moment: datetime) -> str:
    """Return a moment as the API writes it (seconds, UTC)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _now() -> datetime:
    return datetime.now(UTC)


class Store:
    """The objects of one cluster; kept in the SQLite file `path`, or in memory only."""

    def __init__(self, path: Path | None = None, *, clock: Callable[[], datetime] = _now, kept_events: int = 10_000):
        """Open the store, with what an earlier process left in the file."""
        self._lock = threading.RLock()
        self._clock = clock
        self._records = Records(path)
        self._history = History(kept=kept_events, oldest=self._records.revision)
        self._garbage = Garbage(self._records, self._replace, self._delete)

    @property
    def revision(self) -> int:
        """The cluster's newest resourceVersion."""
        return self._records.revision

    @property
    def oldest(self) -> int:
        """The revision from which a watch can still start."""
        return self._history.oldest

    def get(self, resource: Resource, name: str, namespace: str = "") -> Object | None:
        """Return one object; None where there is none."""
        with self._lock:
            text = self._records.text(key_of(resource, name, namespace))
        return json.loads(text) if text else None

    def list(self, resource: Resource, namespace: str = "") -> Objects:
        """Return all objects of a kind, of one namespace or of all, ordered by namespace and name."""
        return self.snapshot(resource, namespace)[0]

    def snapshot(self, resource: Resource, namespace: str = "") -> tuple[Objects, int]:
        """Return the list and the revision at which it was true: a watch from there misses nothing."""
        with self._lock:
            texts = list(self._records.texts(resource.group, resource.plural, namespace))
            revision = self._records.revision
        return [json.loads(text) for text in texts], revision

    def create(self, resource: Resource, body: Object, *, dry_run: bool = False) -> Object:
        """Make an object (with `metadata.name`, `namespace` where its kind has one). Raises ApiError 409.

        A `metadata.uid` that is given is kept.
        """
        made = copy_of(body)
        metadata = made["metadata"]
        key = key_of(resource, metadata["name"], metadata.get("namespace", ""))
        metadata["uid"] = metadata.get("uid") or str(uuid.uuid4())
        metadata["creationTimestamp"] = timestamp(self._clock())
        for field in ("resourceVersion", "generation", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"):
            metadata.pop(field, None)
        if resource.generation:
            metadata["generation"] = 1
        with self._lock:
            if self._records.text(key) is not None:
                raise exists(resource.plural, resource.group, key.name)
            if dry_run:
                return made
            self._write("ADDED", key, made)
            self._garbage.collect_ownerless(key, made)
        return made

    def update(self, resource: Resource, body: Object, *, status: bool = False, dry_run: bool = False) -> Object:
        """Replace an object that is there; with `status` only its status, else all but that, where it is apart.

        Raises ApiError 404, and 409 where the body's resourceVersion or uid is not the current one.
        """
        given = copy_of(body)
        key = key_of(resource, given["metadata"]["name"], given["metadata"].get("namespace", ""))
        with self._lock:
            current = self._current(key)
            for field in ("resourceVersion", "uid"):
                check_same(key, current, given["metadata"], field)
            wanted = with_status(current, given) if status else without_status(resource, current, given)
            return self._replace(key, current, wanted, dry_run=dry_run)

    def change(self, resource: Resource, name: str, namespace: str, edit: Callable[[Object], None]) -> Object:
        """Let `edit` change the object in place, status and all, and write it. Raises ApiError 404."""
        key = key_of(resource, name, namespace)
        with self._lock:
            current = self._current(key)
            wanted = copy_of(current)
            edit(wanted)
            return self._replace(key, current, wanted, dry_run=False)

    def delete(
        self,
        resource: Resource,
        name: str,
        namespace: str = "",
        *,
        grace_seconds: int | None = None,
        propagation: Propagation = "Background",
        preconditions: Object | None = None,
        dry_run: bool = False,
    ) -> Object:
        """Delete an object, or mark it where something still holds it; returns it as it was last.

        `preconditions` may name uid and resourceVersion. Raises ApiError 404, 409.
        """
        key = key_of(resource, name, namespace)
        with self._lock:
            current = self._current(key)
            for field in ("resourceVersion", "uid"):
                check_same(key, current, preconditions or {}, field)
            if dry_run:
                return current
            return self._delete(key, current, grace_seconds, propagation)

    def watch(
        self, resource: Resource, sink: Callable[[Event], None], namespace: str = "", *, since: int | None = None
    ) -> Callable[[], None]:
        """Tell `sink` of every change after revision `since` (None: first of all there is); returns how to stop.

        Raises ApiError 410 where events after `since` are no longer kept.
        """
        with self._lock:
            if since is None:
                for text in self._records.texts(resource.group, resource.plural, namespace):
                    sink(_added(resource, text))
                since = self._records.revision
            stop = self._history.watch(resource.group, resource.plural, namespace, sink, since)

        def locked() -> None:
            with self._lock:
                stop()

        return locked

    def compact(self) -> None:
        """Forget past events, as etcd does in time: a watch from an old resourceVersion gets 410 Gone."""
        with self._lock:
            self._history.compact(self._records.revision)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._records.close()

    def _current(self, key: Key) -> Object:
        text = self._records.text(key)
        if text is None:
            raise not_found(key.plural, key.group, key.name)
        parsed: Object = json.loads(text)
        return parsed

    def _delete(self, key: Key, current: Object, grace_seconds: int | None, propagation: Propagation) -> Object:
        uid = current["metadata"]["uid"]
        if propagation == "Orphan":
            self._garbage.orphan(uid)
        wanted = copy_of(current)
        if propagation == "Foreground" and self._records.owned_by(uid):
            wait_in_foreground(wanted)
        grace = grace_of(key, wanted, grace_seconds)
        if not grace and not held(key, wanted):
            return self._remove(key, wanted)
        self._mark(key, current, wanted, grace)
        if waits_in_foreground(wanted):
            self._garbage.collect(uid, propagation)
        return wanted

    def _mark(self, key: Key, current: Object, wanted: Object, grace: int) -> None:
        metadata = wanted["metadata"]
        if "deletionTimestamp" not in metadata:
            metadata["deletionTimestamp"] = timestamp(self._clock() + timedelta(seconds=grace))
            metadata["deletionGracePeriodSeconds"] = grace
            if "generation" in metadata:
                metadata["generation"] += 1
        elif grace < metadata.get("deletionGracePeriodSeconds", 0):
            metadata["deletionGracePeriodSeconds"] = grace
        if is_core(key, "namespaces"):
            wanted.setdefault("status", {})["phase"] = "Terminating"
        if wanted != current:
            self._write("MODIFIED", key, wanted)

    def _remove(self, key: Key, last: Object) -> Object:
        previous = self._records.text(key)
        revision = self._records.next_revision()
        last["metadata"]["resourceVersion"] = str(revision)
        if "deletionGracePeriodSeconds" in last["metadata"]:
            last["metadata"]["deletionGracePeriodSeconds"] = 0
        self._records.remove(key)
        self._history.add(Event(type="DELETED", key=key, revision=revision, text=to_text(last), previous_text=previous))
        self._garbage.collect(last["metadata"]["uid"])
        for owner in last["metadata"].get("ownerReferences", ()):
            self._garbage.let_go(owner["uid"])
        return last

    def _replace(self, key: Key, current: Object, wanted: Object, *, dry_run: bool = False) -> Object:
        before, after = current["metadata"], wanted["metadata"]
        for field in (*FIXED, "resourceVersion"):
            after.pop(field, None)
            if field in before:
                after[field] = before[field]
        if wanted == current:
            return wanted
        if "generation" in before and outside(current) != outside(wanted):
            after["generation"] = before["generation"] + 1
        if dry_run:
            return wanted
        if "deletionTimestamp" in after and not after["deletionGracePeriodSeconds"] and not held(key, wanted):
            return self._remove(key, wanted)
        self._write("MODIFIED", key, wanted)
        return wanted

    def _write(self, kind: Literal["ADDED", "MODIFIED"], key: Key, body: Object) -> None:
        previous = self._records.text(key)
        revision = self._records.next_revision()
        body["metadata"]["resourceVersion"] = str(revision)
        text = self._records.write(key, body)
        self._history.add(Event(type=kind, key=key, revision=revision, text=text, previous_text=previous))


def _added(resource: Resource, text: str) -> Event:
    metadata = json.loads(text)["metadata"]
    key = key_of(resource, metadata["name"], metadata.get("namespace", ""))
    return Event(type="ADDED", key=key, revision=int(metadata["resourceVersion"]), text=text)
