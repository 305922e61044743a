"""What the clusters say before a canary is moved, as values. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mcci.canary.state import Action, Phase

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcci.canary.state import State
    from mcci.clients.kubernetes.api import Object

_BAD_WAITS = frozenset({"CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "CreateContainerConfigError"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A pod of the service: its version, whether it takes requests, and what is wrong with it, in words."""

    name: str
    version: str
    ready: bool
    troubles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A Lease that somebody holds, and whether it was renewed in time, by the API server's clock."""

    name: str
    holder: str
    pipeline: str = ""
    job_url: str = ""
    alive: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One cluster. A cluster that holds no Istio objects has pods alone; `recorded` is the last pipeline that wrote.

    `problem` says why it could not be read.
    """

    name: str
    virtual_service: Object | None = None
    config_map: Object | None = None
    state: State | None = None
    recorded: int | None = None
    pods: tuple[Pod, ...] = ()
    locks: tuple[Lock, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """All clusters at one moment: those with Istio objects, the leader first, and those that only run pods."""

    config: Mapping[str, View]
    others: Mapping[str, View]
    now: datetime

    @property
    def views(self) -> tuple[View, ...]:
        """Every cluster that was seen."""
        return (*self.config.values(), *self.others.values())

    @property
    def state(self) -> State | None:
        """The newest copy of the state; None where there is none."""
        found = [view.state for view in self.config.values() if view.state]
        return max(found, key=lambda state: state.revision, default=None)

    def ready(self) -> Counter[str]:
        """Return how many pods of each version take requests, over all clusters."""
        return Counter(pod.version for view in self.views for pod in view.pods if pod.ready)

    def troubles(self, version: str) -> tuple[str, ...]:
        """Return what is wrong with the pods of a version, each with its cluster."""
        return tuple(
            f"{view.name}: {pod.name} {trouble}"
            for view in self.views
            for pod in view.pods
            if pod.version == version
            for trouble in pod.troubles
        )


def began(state: State) -> datetime | None:
    """Return when the canary was put there: what went wrong with pods before is no trouble of its own."""
    if state.phase is not Phase.CANARY:
        return None
    return next((entry.at for entry in reversed(state.history) if entry.action is Action.BEGIN), None)


def pods(found: Iterable[Object], since: datetime | None = None) -> tuple[Pod, ...]:
    """Return the pods that are not on their way out; only what went wrong after `since` is trouble."""
    return tuple(_pod(each, since) for each in found if not each["metadata"].get("deletionTimestamp"))


def _pod(found: Object, since: datetime | None) -> Pod:
    metadata, status = found["metadata"], found.get("status") or {}
    conditions = {each.get("type"): each.get("status") for each in status.get("conditions") or []}
    containers = status.get("containerStatuses") or []
    troubles = [trouble for each in containers for trouble in _troubles(each, since)]
    if status.get("phase") == "Failed":
        troubles.append(f"failed: {status.get('reason') or status.get('message') or 'no reason given'}")
    return Pod(
        name=metadata["name"],
        version=(metadata.get("labels") or {}).get("version", ""),
        ready=conditions.get("Ready") == "True" and status.get("phase") == "Running",
        troubles=tuple(troubles),
    )


def _troubles(container: Mapping[str, Any], since: datetime | None) -> list[str]:
    waiting = ((container.get("state") or {}).get("waiting") or {}).get("reason", "")
    if waiting in _BAD_WAITS:
        return [f"is in {waiting}"]
    ended = (container.get("lastState") or {}).get("terminated") or {}
    at = parse_time(ended.get("finishedAt"))
    if container.get("restartCount") and (since is None or at is None or at > since):
        reason = ended.get("reason")
        return [f"restarted {container['restartCount']} times{f' ({reason})' if reason else ''}"]
    return []


def lock(lease: Object, now: datetime) -> Lock | None:
    """Return who holds a Lease at `now` (the API server's clock); None where nobody does."""
    spec, metadata = lease.get("spec") or {}, lease["metadata"]
    holder = spec.get("holderIdentity")
    if not holder:
        return None
    notes = metadata.get("annotations") or {}
    renewed = written(lease) or parse_time(spec.get("renewTime"))
    alive = renewed is None or now - renewed <= timedelta(seconds=2 * float(spec.get("leaseDurationSeconds") or 30))
    return Lock(
        name=metadata["name"],
        holder=holder,
        pipeline=notes.get("mcci.io/pipeline", ""),
        job_url=notes.get("mcci.io/job-url", ""),
        alive=alive,
    )


def written(found: Object) -> datetime | None:
    """Return when the API server last took a write of the object, by its own clock, in whole seconds."""
    times = [parse_time(each.get("time")) for each in found["metadata"].get("managedFields") or []]
    return max((time for time in times if time), default=None)


def parse_time(text: Any) -> datetime | None:
    """Return a moment as Kubernetes writes it; None where there is none."""
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC) if text else None
    except ValueError:
        return None
