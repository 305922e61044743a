"""The Helm values of Istio's charts that make several clusters one mesh; pure.

Source: https://istio.io/latest/docs/setup/install/multicluster/
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.mesh.plan import Member, Plan

Values = dict[str, Any]
EAST_WEST = "istio-eastwestgateway"
PROFILE = "remote"  # of the charts `base` and `istiod`, since Istio 1.24


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A Helm release of the mesh: its chart's name and its values."""

    name: str
    chart: str
    values: Values = field(hash=False)


def releases(plan: Plan, member: Member, pilot: str, given: Mapping[str, object]) -> tuple[Release, ...]:
    """Return a cluster's releases in the order in which they are installed.

    `pilot` is the address at which a remote cluster reaches its control plane; `given` are the user's own values by
    chart, under what makes the mesh one.
    """
    found = [
        Release(name="istio-base", chart="base", values=_base(member)),
        Release(name="istiod", chart="istiod", values=_istiod(plan, member, pilot)),
    ]
    if plan.has_gateway(member):
        values: Values = {"name": EAST_WEST, "networkGateway": member.network}
        found.append(Release(name=EAST_WEST, chart="gateway", values=values))
    return tuple(
        Release(name=each.name, chart=each.chart, values=merged(given.get(each.chart) or {}, each.values))
        for each in found
    )


def merged(under: Any, over: Any) -> Any:
    """Return `under` with all of `over` in it, mapping by mapping."""
    if not isinstance(under, dict) or not isinstance(over, dict):
        return deepcopy(over)
    both = {key: merged(under[key], value) if key in under else deepcopy(value) for key, value in over.items()}
    return {**deepcopy(under), **both}


def _base(member: Member) -> Values:
    return {} if member.is_primary else {"profile": PROFILE}


def _istiod(plan: Plan, member: Member, pilot: str) -> Values:
    shared: Values = {
        "global": {
            "meshID": plan.id,
            "multiCluster": {"clusterName": member.name},
            "network": member.network,
            "istioNamespace": plan.namespace,
        },
        "meshConfig": {"trustDomain": plan.trust_domain},
    }
    if member.is_primary:
        own = {"global": {"externalIstiod": bool(plan.remotes)}, "env": {"AUTO_RELOAD_PLUGIN_CERTS": "true"}}
        return merged(shared, own)  # type: ignore[no-any-return]  # the variable: a renewed `cacerts` needs no restart
    remote: Values = {
        "profile": PROFILE,
        "istiodRemote": {"injectionPath": f"/inject/cluster/{member.name}/net/{member.network}"},
        "global": {"configCluster": True, "remotePilotAddress": pilot},
    }
    return merged(shared, remote)  # type: ignore[no-any-return]
