"""Pods' logs. Who runs the pods gives them; the API finds the pod and the container."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from mcci.lab.clusters.status import bad_request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

Object = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """What a log request asks for; None is for all."""

    container: str
    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail: int | None = None
    since: datetime | None = None
    limit_bytes: int | None = None


class LogSource(Protocol):
    """Gives a pod's log."""

    def __call__(self, pod: Object, query: LogQuery, /) -> AsyncIterator[bytes]:
        """Return the log in pieces; with `follow` until the container ends. Runs in the loop of the API server.

        Raises ApiError 400 at once where the container has not started, or has no previous run.
        """


def query_of(pod: Object, query: Mapping[str, str]) -> LogQuery:
    """Read a log's query. Raises ApiError 400 where the container is not one of the pod's, or must be named."""
    name = pod["metadata"]["name"]
    spec = pod["spec"]
    names = [container["name"] for kind in ("containers", "initContainers") for container in spec.get(kind) or ()]
    container = query.get("container", "")
    if not container and len(spec["containers"]) > 1:
        choices = " ".join(item["name"] for item in spec["containers"])
        raise bad_request(f"a container name must be specified for pod {name}, choose one of: [{choices}]")
    container = container or names[0]
    if container not in names:
        raise bad_request(f"container {container} is not valid for pod {name}")
    return LogQuery(
        container=container,
        follow=query.get("follow") in ("true", "1"),
        previous=query.get("previous") in ("true", "1"),
        timestamps=query.get("timestamps") in ("true", "1"),
        tail=_number(query, "tailLines"),
        since=_since(query),
        limit_bytes=_number(query, "limitBytes"),
    )


def _since(query: Mapping[str, str]) -> datetime | None:
    if query.get("sinceTime"):
        try:
            return datetime.fromisoformat(query["sinceTime"])
        except ValueError as error:
            raise bad_request(f"sinceTime is not a time: {error}") from error
    seconds = _number(query, "sinceSeconds")
    return datetime.now(UTC) - timedelta(seconds=seconds) if seconds is not None else None


def _number(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if not text:
        return None
    if not text.isdigit():
        raise bad_request(f"{name} is {text!r}: give a number")
    return int(text)
