"""What a lock's Lease says, as a value; and when another may take it. Pure.

Whether a holder is dead is judged as client-go's leader election does: by how long *we* have seen its Lease unchanged,
never by comparing its clock with ours.

Sources: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/lease-v1/ ;
https://pkg.go.dev/k8s.io/client-go/tools/leaderelection
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mcci.clients.kubernetes.api import LEASE

if TYPE_CHECKING:
    from mcci.clients.kubernetes.api import Object

TOKEN = "mcci.io/token"  # noqa: S105 - an annotation's name
_NONCE, _PIPELINE, _JOB = "mcci.io/nonce", "mcci.io/pipeline", "mcci.io/job-url"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds a lock, for people to read: `identity` such as `maria, deploy to production`. The rest may be empty."""

    identity: str
    pipeline: str = ""
    job_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A Lease. `nonce` is one acquisition's own, `duration` is in seconds; `holder` is None where it is free."""

    holder: Holder | None = None
    nonce: str = ""
    token: int = 0
    duration: float = 0
    renewed: str = ""
    acquired: str = ""
    transitions: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A Lease as one process has seen it: `version` is its resourceVersion, seen first at `since` on its own clock.

    `alive` says that the holder has given a sign of life since this process began to look.
    """

    version: str
    since: float
    alive: bool


def read(lease: Object, *, default: float) -> Record:
    """Return what a Lease says; `default` is the duration of one that names none."""
    metadata, spec = lease["metadata"], lease.get("spec") or {}
    notes = metadata.get("annotations") or {}
    token = notes.get(TOKEN, "")
    identity = spec.get("holderIdentity") or ""
    holder = Holder(identity=identity, pipeline=notes.get(_PIPELINE, ""), job_url=notes.get(_JOB, ""))
    return Record(
        holder=holder if identity else None,
        nonce=notes.get(_NONCE, ""),
        token=int(token) if token.isascii() and token.isdigit() else 0,
        duration=float(spec.get("leaseDurationSeconds") or default),
        renewed=spec.get("renewTime") or "",
        acquired=spec.get("acquireTime") or "",
        transitions=int(spec.get("leaseTransitions") or 0),
    )


def write(record: Record, *, namespace: str, name: str, found: Object | None) -> Object:
    """Return the Lease that says `record`; where one was `found`, it takes the place of exactly that version."""
    holder = record.holder or Holder(identity="")
    metadata: Object = dict(found["metadata"]) if found else {"name": name, "namespace": namespace}
    metadata["annotations"] = {
        **(metadata.get("annotations") or {}),
        TOKEN: str(record.token),
        _NONCE: record.nonce,
        _PIPELINE: holder.pipeline,
        _JOB: holder.job_url,
    }
    spec = {
        "holderIdentity": holder.identity,
        "leaseDurationSeconds": max(1, int(record.duration)),
        "acquireTime": record.acquired,
        "renewTime": record.renewed,
        "leaseTransitions": record.transitions,
    }
    return {"apiVersion": LEASE.api_version, "kind": LEASE.kind, "metadata": metadata, "spec": spec}


def observe(before: Observation | None, lease: Object, now: float) -> Observation:
    """Return what is known of a Lease after seeing it at `now`."""
    version = str(lease["metadata"]["resourceVersion"])
    if before and before.version == version:
        return before
    return Observation(version=version, since=now, alive=before is not None)


def may_take(record: Record, seen: Observation, now: float) -> bool:
    """Whether a Lease is free, or its holder has let it run out while we looked on."""
    return record.holder is None or now - seen.since > record.duration


def next_token(record: Record | None, now: datetime) -> int:
    """Return a token above every earlier one, even where a person has deleted the Lease: it is at least the time."""
    return max((record.token if record else 0) + 1, int(now.timestamp()))


def micro_time(now: datetime) -> str:
    """Return a moment as the API's MicroTime."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
