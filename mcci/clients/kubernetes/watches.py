"""A watch that goes on: over connections that end or break, a server that is away, and a history that is forgotten.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcci.clients.kubernetes.api import Change, Refused, Unreachable
from mcci.clients.kubernetes.statuses import GONE, check, error_of
from mcci.clients.kubernetes.transport import Transport, distrust, failure
from mcci.clients.registry.retry import TRANSIENT, retry_after

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcci.clients.kubernetes.api import Object

PART = 30  # seconds after which the server ends a watch, and a new one goes on: a dead connection is found out
_Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A collection to watch. `read` gives its objects and its resourceVersion."""

    name: str
    transport: Transport
    path: str
    selectors: dict[str, str]
    deadline: float  # seconds that the API may be away
    read: Callable[[], tuple[list[Object], str]]


@dataclass(slots=True)
class _Seen:
    """What has been given so far, and from where to go on; empty when the collection must be read again."""

    objects: dict[_Key, Object] = field(default_factory=dict)
    version: str = ""

    def read(self, objects: list[Object], version: str) -> Iterator[Change]:
        """Give what is new since the last time."""
        self.version = version
        fresh = {_key(each): each for each in objects}
        for key, each in list(self.objects.items()):
            if key not in fresh:
                yield self.note(Change(type="DELETED", object=each))
        for key, each in fresh.items():
            before = self.objects.get(key)
            if before is None:
                yield self.note(Change(type="ADDED", object=each))
            elif _version(before) != _version(each):
                yield self.note(Change(type="MODIFIED", object=each))

    def note(self, change: Change) -> Change:
        """Remember a change that is given."""
        if change.type == "DELETED":
            self.objects.pop(_key(change.object), None)
        else:
            self.objects[_key(change.object)] = change.object
        return change


def watch(source: Source, seconds: float) -> Iterator[Change]:
    """Give what there is, then what changes, until `seconds` are over. Raises as `ClusterApi.watch`."""
    import httpx

    end = time.monotonic() + seconds
    seen = _Seen()
    answered, attempt = time.monotonic(), 0
    while True:
        if not seen.version:
            yield from seen.read(*source.read())
            answered = time.monotonic()
            if not seen.version:
                raise Refused(f"{source.name}: the cluster does not serve {source.path}, so it cannot be watched.")
        if time.monotonic() >= end:
            return
        asked: float | None = None
        try:
            for change in _part(source, seen, end):
                answered, attempt = time.monotonic(), 0
                if change:
                    yield change
                if time.monotonic() >= end:
                    return
            continue
        except _Busy as busy:
            reason, asked = busy.reason, busy.asked
        except ValueError:
            reason = "half a line came"
        except httpx.ReadTimeout:
            reason = "it says nothing any more"
        except httpx.TransportError as error:
            distrust(source.name, error)
            reason = failure(error)
        except RuntimeError:
            if source.transport.closed:  # as httpx says it
                return
            raise
        attempt += 1
        if time.monotonic() - answered > source.deadline:
            raise Unreachable(f"{source.name}: watching failed for {source.deadline:.0f} s: {reason}.")
        wait = source.transport.policy.wait(attempt, asked)
        time.sleep(max(0.0, min(wait, end - time.monotonic())))


class _Busy(Exception):
    """The server is there, and cannot serve now."""

    def __init__(self, reason: str, asked: float | None) -> None:
        super().__init__(reason)
        self.reason, self.asked = reason, asked


def _part(source: Source, seen: _Seen, end: float) -> Iterator[Change | None]:
    """Give the changes of one connection; None says that the server is there. Ends when the server ends it."""
    left = max(1, min(PART, int(end - time.monotonic()) + 1))
    params = {
        **source.selectors, "watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": str(left),
        "resourceVersion": seen.version,
    }  # fmt: skip
    silence = max(0.1, min(left + 10.0, end - time.monotonic()))
    with source.transport.stream("GET", source.path, silence, params=params) as reply:
        if reply.status_code in TRANSIENT:
            raise _Busy(f"it answers {reply.status_code}", retry_after(reply.headers.get("Retry-After")))
        if reply.status_code == GONE:
            seen.version = ""
            return
        if reply.status_code >= 300:
            reply.read()
            check(source.name, reply)
        yield None
        for line in reply.iter_lines():
            if line.strip():
                yield _change(source, seen, json.loads(line))
            if not seen.version:
                return


def _change(source: Source, seen: _Seen, event: Object) -> Change | None:
    body = event["object"]
    if event["type"] == "ERROR":
        code = int(body.get("code") or 500)
        if code != GONE and code not in TRANSIENT:
            raise error_of(source.name, code, body)
        if code != GONE:
            raise _Busy(f"it answers {code}", None)
        seen.version = ""
        return None
    seen.version = _version(body) or seen.version
    return None if event["type"] == "BOOKMARK" else seen.note(Change(type=event["type"], object=body))


def _key(body: Object) -> _Key:
    metadata = body["metadata"]
    return (metadata.get("namespace") or "", metadata["name"])


def _version(body: Object) -> str:
    return str((body.get("metadata") or {}).get("resourceVersion") or "")
