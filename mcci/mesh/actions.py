"""What is to be done in one cluster to bring its part of the mesh about, in order; pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcci.clients.helm import storage
from mcci.clients.kubernetes.api import SECRET
from mcci.mesh import authority, objects, values

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcci.clients.helm.charts import Chart
    from mcci.clients.helm.storage import StoredRelease
    from mcci.clients.kubernetes.api import Kind, Object
    from mcci.mesh.plan import Member, Plan
    from mcci.mesh.values import Release

MASK = "***"


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """An object that is to be as it stands here, whatever else it has."""

    kind: Kind
    body: Object = field(repr=False)

    @property
    def words(self) -> str:
        """What it is, for people."""
        return f"{self.kind.kind} {self.body['metadata']['name']}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certify:
    """The Secret `cacerts` is to hold a new certificate of the mesh's root."""

    words: str = f"Secret {authority.SECRET}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """A Helm release of a chart, with its values; `waits` for the pods of its Deployments."""

    release: Release
    chart: Chart
    waits: bool

    @property
    def words(self) -> str:
        """What it is, for people."""
        return f"release {self.release.name} ({self.chart.name} {self.chart.version})"

    @property
    def mark(self) -> str:
        """What the release's description says when it was made of just this chart and these values."""
        text = json.dumps([self.chart.digest, self.release.values], sort_keys=True)
        return f"mcci mesh {self.chart.version} {hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def is_made(self, stored: StoredRelease | None) -> bool:
        """Whether there is nothing to do."""
        return stored is not None and stored.status == storage.DEPLOYED and stored.description == self.mark


Action = Put | Certify | Upgrade


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What decides: the plan, the charts, the user's values by chart, who needs a certificate."""

    plan: Plan
    charts: Mapping[str, Chart]
    values: Mapping[str, object]
    due: tuple[str, ...] = ()


def install(inputs: Inputs, member: Member, pilot: str) -> tuple[Action, ...]:
    """Return what `mcci mesh install` does in a cluster; `pilot` is where a remote one reaches its control plane.

    A remote cluster's gateway is left to `join`: its proxy is injected by a control plane that knows the cluster.
    """
    plan = inputs.plan
    kind, body = objects.namespace(plan, member)
    found: list[Action] = [Put(kind=kind, body=body)]
    if member.name in inputs.due:
        found.append(Certify())
    later = () if member.is_primary else (values.EAST_WEST,)
    found += _upgrades(inputs, member, pilot, (each for each in _names(inputs, member, pilot) if each not in later))
    found += [Put(kind=kind, body=body) for kind, body in objects.exposed(plan, member)]
    return tuple(found)


def gateway(inputs: Inputs, member: Member, pilot: str) -> tuple[Action, ...]:
    """Return what is left to `join` in a remote cluster: its east-west gateway, where it has one."""
    if member.is_primary or not inputs.plan.has_gateway(member):
        return ()
    return _upgrades(inputs, member, pilot, (values.EAST_WEST,))


def shown(action: Action) -> dict[str, Any]:
    """Return an action as `--dry-run` writes it; what a Secret holds is masked."""
    match action:
        case Put(kind=kind, body=body):
            return {"apply": masked({"apiVersion": kind.api_version, "kind": kind.kind, **body}, kind)}
        case Certify():
            names = (authority.CERTIFICATE, authority.KEY, authority.ROOT, authority.CHAIN)
            metadata = {"name": authority.SECRET}
            body = {"apiVersion": "v1", "kind": SECRET.kind, "metadata": metadata, "data": dict.fromkeys(names, MASK)}
            return {"apply": body}
        case Upgrade(release=release, chart=chart):
            return {
                "helm": {
                    "release": release.name, "chart": chart.name, "version": chart.version, "values": release.values,
                }
            }  # fmt: skip


def masked(body: Object, kind: Kind) -> Object:
    """Return an object that may be shown."""
    if kind != SECRET:
        return body
    return {**body, "data": dict.fromkeys(body.get("data") or {}, MASK)}


def _names(inputs: Inputs, member: Member, pilot: str) -> tuple[str, ...]:
    return tuple(each.name for each in values.releases(inputs.plan, member, pilot, inputs.values))


def _upgrades(inputs: Inputs, member: Member, pilot: str, names: Iterable[str]) -> tuple[Upgrade, ...]:
    chosen = set(names)
    return tuple(
        Upgrade(
            release=each,
            chart=inputs.charts[each.chart],
            waits=each.chart == "gateway" or (each.chart == "istiod" and member.is_primary),
        )
        for each in values.releases(inputs.plan, member, pilot, inputs.values)
        if each.name in chosen
    )
