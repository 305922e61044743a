"""Waiting for rollouts: one watch a kind for the whole namespace, however many services wait."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from mcci.clients.kubernetes.api import DEPLOYMENT, EVENT, POD, Unreachable
from mcci.delivery.deploy import rollout
from mcci.errors import McciError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcci.clients.kubernetes.api import ClusterApi, Kind, Object
    from mcci.delivery.deploy.rollout import Failure, Progress

LOG_LINES = 40  # of a container that fails
WATCH = 600.0  # seconds of one watch
BREATH = 0.05  # seconds between two watches
PAUSE = 1.0  # seconds between two attempts at a cluster that does not answer
QUIET = 15.0  # seconds without a word at most
LOOK = 1.0  # seconds at most between two looks at what was cancelled, or how late it is


class RolloutFailed(McciError):
    """A version's pods do not get ready, and waiting would not help."""


class TimedOut(RolloutFailed):
    """A version's pods did not get ready in time."""


class Cancelled(McciError):
    """Something else has failed: this work was given up."""


class Rollouts:
    """The rollouts of a namespace, as the cluster tells of them. Use it as a context; any thread may wait."""

    def __init__(self, api: ClusterApi, namespace: str, say: Callable[[str], None], cancelled: threading.Event) -> None:
        self._api = api
        self._namespace = namespace
        self._say = say
        self._cancelled = cancelled
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._objects: dict[str, dict[str, Object]] = {DEPLOYMENT.kind: {}, POD.kind: {}}
        self._told: set[str] = set()
        self._begun = time.time()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def close(self) -> None:
        """Stop watching. The threads end with their watches, and hold nothing up."""
        self._stop.set()

    def wait(
        self, deployment: str, image: str, labels: dict[str, str], deadline: float, *, generation: int = 0
    ) -> Progress:
        """Return when the rollout of `image` is done. `deadline` is by `time.monotonic`.

        What was heard of a Deployment before its `generation` does not count.

        Raises `RolloutFailed` with the reason as soon as there is one, `TimedOut`, or `Cancelled`.
        """
        self.start()
        said, told = (-1, -1), 0.0
        while True:
            with self._changed:
                found = self._objects[DEPLOYMENT.kind].get(deployment)
                if found and int(found["metadata"].get("generation") or 0) < generation:
                    found = None
                pods = [pod for pod in self._objects[POD.kind].values() if _has(pod, labels)]
                progress = rollout.judge(found, pods, image)
                if progress.done:
                    self._say(f"{deployment}: ready")
                    return progress
            if progress.failure:
                raise self._failed(deployment, progress.failure)
            if (now := (progress.ready, progress.wanted)) != said or time.monotonic() - told > QUIET:
                self._say(f"{deployment}: {progress.ready}/{progress.wanted} ready, {progress.waits}")
                said, told = now, time.monotonic()
            self._may_go_on(deployment, progress, deadline)
            with self._changed:
                self._changed.wait(min(LOOK, max(0.0, deadline - time.monotonic())))

    def _may_go_on(self, deployment: str, progress: Progress, deadline: float) -> None:
        if self._cancelled.is_set():
            raise Cancelled(f"{self._api.name}: {deployment} was given up: something else failed.")
        if time.monotonic() >= deadline:
            waits = progress.waits or "the cluster does not say"
            raise TimedOut(f"{self._api.name}: {deployment} did not get ready in time: {waits}.")

    def _failed(self, deployment: str, failure: Failure) -> RolloutFailed:
        where = f" (pod {failure.pod}, container {failure.container})" if failure.container else ""
        if failure.container:
            for line in self._logs(failure):
                self._say(f"    {line}")
        return RolloutFailed(f"{self._api.name}: {deployment} does not get ready: {failure.reason}{where}.")

    def _logs(self, failure: Failure) -> list[str]:
        for previous in (True, False) if failure.restarted else (False,):
            try:
                text = self._api.logs(
                    failure.pod, self._namespace, container=failure.container, lines=LOG_LINES, previous=previous
                )
            except McciError:
                continue  # a container that never ran has no log
            if text.strip():
                return [f"log of {failure.pod}:", *text.splitlines()]
        return []

    def start(self) -> None:
        """Begin to watch, if that is not done already."""
        with self._lock:
            if self._threads:
                return
            for kind in (DEPLOYMENT, POD, EVENT):
                name = f"watch {kind.plural} {self._api.name}"
                self._threads.append(threading.Thread(target=self._follow, args=(kind,), name=name, daemon=True))
            for thread in self._threads:
                thread.start()

    def _follow(self, kind: Kind) -> None:
        """Watch one kind until the end; a cluster that does not answer is asked again."""
        take = self._event if kind is EVENT else self._object
        told = False
        while not self._stop.is_set():
            try:
                for change in self._api.watch(kind, self._namespace, seconds=WATCH):
                    take(kind.kind, change.type, change.object)
                    told = False
                    if self._stop.is_set():
                        return
                self._stop.wait(BREATH)
                continue
            except Unreachable as error:
                if not told and not self._stop.is_set():
                    self._say(f"the cluster does not answer; asking again: {error}")
                told = True
            except McciError as error:
                if not self._stop.is_set():
                    self._say(f"{kind.plural} cannot be watched: {error}")
                if kind is EVENT:  # events are only shown: without the right to see them a deploy goes on
                    return
            self._stop.wait(PAUSE)
            with self._changed:  # the next watch tells all there is; what went meanwhile it does not
                self._objects.get(kind.kind, {}).clear()

    def _object(self, kind: str, change: str, body: Object) -> None:
        with self._changed:
            if change == "DELETED":
                self._objects[kind].pop(body["metadata"]["name"], None)
            else:
                self._objects[kind][body["metadata"]["name"]] = body
            self._changed.notify_all()

    def _event(self, _kind: str, _change: str, body: Object) -> None:
        """Show a warning once, if it came after this deploy began."""
        if body.get("type") != "Warning" or not self._is_new(body):
            return
        about = body.get("involvedObject") or {}
        line = f"{about.get('kind', '')} {about.get('name', '')}: {body.get('reason')}: {body.get('message')}"
        if line not in self._told:
            self._told.add(line)
            self._say(line)

    def _is_new(self, body: Object) -> bool:
        from datetime import datetime

        text = body.get("lastTimestamp") or body.get("eventTime") or body["metadata"].get("creationTimestamp")
        try:
            return datetime.fromisoformat(str(text)).timestamp() >= self._begun - 1
        except ValueError:
            return True


def _has(body: Object, labels: dict[str, str]) -> bool:
    return labels.items() <= (body["metadata"].get("labels") or {}).items()
