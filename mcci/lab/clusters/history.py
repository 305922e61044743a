"""What changed in a cluster, for those who watch: the last events, and who is told of new ones."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from mcci.lab.clusters.status import gone

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcci.lab.clusters.records import Key

Object = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One change. `object` and `previous` are parsed anew at each call, so the caller may change them."""

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    key: Key
    revision: int
    text: str
    previous_text: str | None = None

    @property
    def object(self) -> Object:
        """The object after the change; for DELETED as it was last, with the revision of its deletion."""
        parsed: Object = json.loads(self.text)
        return parsed

    @property
    def previous(self) -> Object | None:
        """The object before the change; None where it was made."""
        return json.loads(self.previous_text) if self.previous_text else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Watcher:
    group: str
    plural: str
    namespace: str
    sink: Callable[[Event], None]

    def wants(self, key: Key) -> bool:
        return (key.group, key.plural) == (self.group, self.plural) and self.namespace in ("", key.namespace)


@dataclass(slots=True)
class History:
    """The last events of one cluster. Not safe for several threads by itself: the store holds its lock."""

    kept: int
    oldest: int  # events up to this revision are no longer known
    _events: deque[Event] = field(init=False, default_factory=deque)
    _watchers: list[_Watcher] = field(init=False, default_factory=list)

    def add(self, event: Event) -> None:
        """Keep the event, and tell it to those who watch its kind and namespace."""
        self._events.append(event)
        while len(self._events) > self.kept:
            self.oldest = self._events.popleft().revision
        for watcher in [watcher for watcher in self._watchers if watcher.wants(event.key)]:
            watcher.sink(event)

    def watch(
        self, group: str, plural: str, namespace: str, sink: Callable[[Event], None], since: int
    ) -> Callable[[], None]:
        """Replay what came after `since`, then tell what comes. Returns how to stop; raises ApiError 410."""
        if since < self.oldest:
            raise gone(since, self.oldest)
        watcher = _Watcher(group=group, plural=plural, namespace=namespace, sink=sink)
        for event in self._events:
            if event.revision > since and watcher.wants(event.key):
                sink(event)
        self._watchers.append(watcher)
        return lambda: self._stop(watcher)

    def compact(self, revision: int) -> None:
        """Forget every event up to now: a watch from before gets 410."""
        self._events.clear()
        self.oldest = revision

    def _stop(self, watcher: _Watcher) -> None:
        if watcher in self._watchers:
            self._watchers.remove(watcher)
