"""Runs a cluster's controllers: one thread, one queue; an object is looked at when it, or what it owns, has changed."""

from __future__ import annotations

import heapq
import itertools
import json
import logging
import queue
import threading
import time
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.controllers.context import controller_of
from mcci.lab.clusters.controllers.table import CONCERNS, CONTROLLERS
from mcci.lab.clusters.status import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcci.lab.clusters.controllers.context import Context
    from mcci.lab.clusters.controllers.table import Controller
    from mcci.lab.clusters.history import Event

Object = dict[str, Any]
Work = tuple[int, str, str]  # which controller, and the object's namespace and name
RETRY = 0.5  # seconds until it is tried again where somebody else was faster
BROKEN = 10.0  # and where the controller itself failed

logger = logging.getLogger(__name__)


class Manager:
    """The controllers of one cluster, at work between `start` and `stop`."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._due: list[tuple[float, int, Work]] = []
        self._count = itertools.count()
        self._unsubscribe: list[Callable[[], None]] = []
        self._thread = threading.Thread(target=self._work, name="lab controllers", daemon=True)

    def start(self) -> None:
        """Look at all there is, then at what changes."""
        watched = {each.RESOURCE for each in CONTROLLERS} | {kind for each in CONTROLLERS for kind in each.OWNS}
        for resource in sorted(watched | set(CONCERNS), key=lambda each: each.plural):
            self._unsubscribe.append(self._context.store.watch(resource, self._events.put))
        self._thread.start()

    def stop(self) -> None:
        """End; nothing is changed any more afterwards."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._events.put(None)
        self._thread.join()

    def _work(self) -> None:
        ready: dict[Work, None] = {}  # in order, each once
        while True:
            timeout = None if not self._due else max(self._due[0][0] - time.monotonic(), 0)
            try:
                event = self._events.get(timeout=0 if ready else timeout)
                if event is None:
                    return
                ready.update(dict.fromkeys(self._concerned(event)))
                continue  # take all the news first
            except queue.Empty:
                pass
            while self._due and self._due[0][0] <= time.monotonic():
                ready[heapq.heappop(self._due)[2]] = None
            if ready:
                work = next(iter(ready))
                del ready[work]
                self._reconcile(work)

    def _reconcile(self, work: Work) -> None:
        number, namespace, name = work
        controller = CONTROLLERS[number]
        body = self._context.store.get(controller.RESOURCE, name, namespace)
        if body is None:
            return
        try:
            wait = controller.reconcile(self._context, body)
        except ApiError as error:  # somebody was faster: look again
            wait = None if error.code == 404 else RETRY
        except Exception:
            logger.exception("the lab's controller of %s failed on %s/%s", controller.RESOURCE.plural, namespace, name)
            wait = BROKEN
        if wait is not None:
            heapq.heappush(self._due, (time.monotonic() + wait, next(self._count), work))

    def _concerned(self, event: Event) -> list[Work]:
        """Return who must look at what, after a change."""
        key, body = event.key, event.object
        found: list[Work] = []
        for number, controller in enumerate(CONTROLLERS):
            kind = controller.RESOURCE
            if (kind.group, kind.plural) == (key.group, key.plural):
                found.append((number, key.namespace, key.name))
            owner = controller_of(body)
            if owner and owner["kind"] == kind.kind and self._owns(controller, event):
                found.append((number, key.namespace, owner["name"]))
        for resource, concerned in CONCERNS.items():
            if (resource.group, resource.plural) == (key.group, key.plural):
                found += [work for each in concerned for work in self._by_selector(*each, event)]
        return found

    def _owns(self, controller: Controller, event: Event) -> bool:
        return any((each.group, each.plural) == (event.key.group, event.key.plural) for each in controller.OWNS)

    def _by_selector(
        self, controller: Controller, affected: Callable[[list[Object], Object], list[str]], event: Event
    ) -> list[Work]:
        others = self._context.store.list(controller.RESOURCE, event.key.namespace)
        names = set(affected(others, event.object))
        if event.previous_text:
            names |= set(affected(others, json.loads(event.previous_text)))
        number = CONTROLLERS.index(controller)
        return [(number, event.key.namespace, name) for name in sorted(names)]
