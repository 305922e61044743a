"""A watch as a stream of JSON lines: what is there (where asked), then what changes, with bookmarks between.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.status import ApiError, bad_request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from mcci.lab.clusters.history import Event
    from mcci.lab.clusters.resources import Resource
    from mcci.lab.clusters.store import Store

Object = dict[str, Any]
INITIAL_END = "k8s.io/initial-events-end"
BOOKMARK_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchOptions:
    """The query of a watch. `since` is None where it starts with all there is."""

    since: int | None
    initial: bool
    bookmarks: bool
    seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a watcher sees: which objects, and in which form."""

    selects: Callable[[Object], bool]
    shows: Callable[[Object], Object]
    head: Object  # apiVersion and kind, of bookmarks


def options_of(query: Mapping[str, str]) -> WatchOptions:
    """Read a watch's query. Raises ApiError 400, 422."""
    initial = query.get("sendInitialEvents") in ("true", "1")
    bookmarks = query.get("allowWatchBookmarks") in ("true", "1")
    if initial and query.get("resourceVersionMatch") != "NotOlderThan":
        text = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        raise ApiError(422, "Invalid", f"ListOptions.meta.k8s.io is invalid: sendInitialEvents: Forbidden: {text}")
    version = query.get("resourceVersion") or "0"
    seconds = query.get("timeoutSeconds") or "0"
    if not version.isdigit() or not seconds.isdigit():
        raise bad_request(f"resourceVersion {version!r} and timeoutSeconds {seconds!r} must be numbers")
    since = None if initial or version == "0" else int(version)
    return WatchOptions(since=since, initial=initial, bookmarks=bookmarks, seconds=float(seconds) or None)


async def stream(
    store: Store, resource: Resource, namespace: str, view: View, options: WatchOptions, closing: asyncio.Event
) -> AsyncIterator[bytes]:
    """Give the lines, until the time is over, the client leaves or the server closes."""
    queue: asyncio.Queue[Event | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    revision = store.revision  # what is told below is at least this new
    try:
        stop = store.watch(
            resource,
            lambda event: _hand_over(loop, queue, event),
            namespace,
            since=options.since,
        )
    except ApiError as error:
        yield _line("ERROR", error.body)
        return
    loop.call_soon_threadsafe(queue.put_nowait, None)  # here ends what there was
    closed = asyncio.ensure_future(closing.wait())
    end = loop.time() + options.seconds if options.seconds else None
    try:
        while True:
            wait = min(BOOKMARK_SECONDS, end - loop.time()) if end else BOOKMARK_SECONDS
            arrived, event = await _next(queue, closed, wait)
            if event is not None:
                revision = max(revision, event.revision)
                if line := _told(event, view):
                    yield line
            elif arrived and options.initial:
                yield _bookmark(view, revision, {INITIAL_END: "true"})
            elif not arrived and options.bookmarks:
                yield _bookmark(view, revision, {})
            if closed.done() or (end and loop.time() >= end):
                return
    finally:
        stop()
        closed.cancel()


def _hand_over(loop: asyncio.AbstractEventLoop, queue: asyncio.Queue[Event | None], event: Event) -> None:
    """From any thread, controllers' too, to the one that serves."""
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody watches any more
        loop.call_soon_threadsafe(queue.put_nowait, event)


async def _next(
    queue: asyncio.Queue[Event | None], closed: asyncio.Future[Any], wait: float
) -> tuple[bool, Event | None]:
    """Return what comes next, and whether anything came in that time."""
    if not queue.empty():
        return True, queue.get_nowait()
    take = asyncio.ensure_future(queue.get())
    try:
        done, _ = await asyncio.wait({take, closed}, timeout=max(wait, 0), return_when=asyncio.FIRST_COMPLETED)
    finally:
        if not take.done():
            take.cancel()
    return (True, take.result()) if take in done else (False, None)


def _told(event: Event, view: View) -> bytes | None:
    """Return the line for an event; an object that comes into or leaves what is selected is added or deleted."""
    after = event.object
    now = event.type != "DELETED" and view.selects(after)
    previous = event.previous
    before = previous is not None and view.selects(previous)
    if event.type == "ADDED":
        before = False
    if now:
        return _line("MODIFIED" if before else "ADDED", view.shows(after))
    if before:
        return _line("DELETED", view.shows(after))
    return None


def _bookmark(view: View, revision: int, annotations: Object) -> bytes:
    metadata: Object = {"resourceVersion": str(revision), "creationTimestamp": None}
    if annotations:
        metadata["annotations"] = annotations
    return _line("BOOKMARK", {**view.head, "metadata": metadata})


def _line(kind: str, body: Object) -> bytes:
    return json.dumps({"type": kind, "object": body}, separators=(",", ":")).encode() + b"\n"
