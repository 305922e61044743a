"""Reads what every cluster says of a service: four requests to a config cluster, three to another, all at once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from mcci.canary import facts, state_json
from mcci.canary.clusters.site import each, raise_first
from mcci.canary.facts import Survey, View
from mcci.clients.kubernetes.api import CONFIG_MAP, LEASE, POD, VIRTUAL_SERVICE, Kind, Unreachable
from mcci.errors import McciError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcci.canary.clusters.site import Site
    from mcci.canary.state import State
    from mcci.clients.kubernetes.api import ClusterApi, Object

RECORD = "mcci-environment"
TOLERATED = 10.0  # seconds that clocks may be apart: a Lease is renewed every few seconds
ISTIO = (VIRTUAL_SERVICE, replace(VIRTUAL_SERVICE, version="v1beta1"), replace(VIRTUAL_SERVICE, version="v1alpha3"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Raw:
    virtual_service: Object | None
    config_map: Object | None
    record: Object | None
    leases: Sequence[Object]
    pods: Sequence[Object]


def look(site: Site, *, tolerant: bool = False, spare: bool = False) -> tuple[Site, Survey]:
    """Return what the clusters say, and the site with the leader's clock, told from the Lease that was just written.

    Raises the first cluster's error with the advice to go on without it, unless `tolerant`: then its view says why.
    With `spare` a cluster that holds no weight and does not answer is left out. Raises `DamagedState`.
    """
    everywhere = {**site.config, **site.others}
    found, failed = each(everywhere, lambda name, api: _read(site, name, api), site.at_once)
    lost = [name for name, error in failed.items() if name in site.others and isinstance(error, Unreachable)]
    if spare and lost:
        for name in lost:
            site.log(f"{name} holds no weights and is left out: {failed.pop(name)}")
        site = site.leave_out((*site.without, *lost))
    for name in failed if not tolerant else ():
        raise_first({name: failed[name]}, f"nothing was changed; `--without {name}` goes on without it: reading from")
    ahead = _ahead(site, found[site.leader]) if site.leader in found else None
    site = replace(site, ahead=ahead if ahead is not None else site.ahead)
    views = {name: _view(site, name, raw) for name, raw in found.items()}
    states = [view.state for view in views.values() if view.state]
    state = max(states, key=lambda each: each.revision, default=None)
    since = facts.began(state) if state else None
    views = {name: replace(view, pods=facts.pods(found[name].pods, since)) for name, view in views.items()}
    views |= {name: View(name=name, problem=str(error)) for name, error in failed.items()}
    return site, Survey(
        config={name: views[name] for name in site.config},
        others={name: views[name] for name in site.others},
        now=site.now(),
    )


def last_state(site: Site) -> State | None:
    """Return the state in the leading cluster, for a report; None where it cannot be read."""
    try:
        found = site.config[site.leader].get(CONFIG_MAP, site.name, site.namespace)
        return state_json.read(found, site.leader) if found else None
    except McciError:
        return None


def _read(site: Site, name: str, api: ClusterApi) -> _Raw:
    with ThreadPoolExecutor(4, thread_name_prefix=f"read {name}") as pool:
        traffic = pool.submit(_virtual_service, site, name, api)
        maps = pool.submit(api.list, CONFIG_MAP, site.namespace, labels=f"{state_json.MANAGED_BY}=mcci")
        leases = pool.submit(api.list, LEASE, site.namespace)
        pods = pool.submit(api.list, POD, site.namespace, labels=f"app={site.service}")
        by_name = {each["metadata"]["name"]: each for each in maps.result()}
        return _Raw(
            virtual_service=traffic.result(),
            config_map=by_name.get(site.name),
            record=by_name.get(RECORD),
            leases=leases.result(),
            pods=pods.result(),
        )


def _virtual_service(site: Site, name: str, api: ClusterApi) -> Object | None:
    return find(api, site.virtual_services[name], site.namespace) if name in site.config else None


def find(api: ClusterApi, name: str, namespace: str) -> Object | None:
    """Return the VirtualService, in the newest version that the cluster serves; None where there is none."""
    return next((found for kind in ISTIO if (found := api.get(kind, name, namespace))), None)


def kind_of(virtual_service: Object) -> Kind:
    """Return the kind, in the version that the object was read in."""
    version = str(virtual_service.get("apiVersion", "")).rpartition("/")[2]
    return replace(VIRTUAL_SERVICE, version=version or "v1")


def _view(site: Site, name: str, raw: _Raw) -> View:
    now = site.now()
    return View(
        name=name,
        virtual_service=raw.virtual_service,
        config_map=raw.config_map,
        state=state_json.read(raw.config_map, name) if raw.config_map else None,
        recorded=_recorded(raw.record, name),
        locks=tuple(lock for lease in raw.leases if (lock := facts.lock(lease, now))),
    )


def _recorded(record: Object | None, cluster: str) -> int | None:
    """Return the pipeline that the environment's record names; None at a terminal, or without a record."""
    if record is None:
        return None
    try:
        pipeline = (json.loads(record["data"]["record"]).get("pipeline") or {}).get("id")
        return int(pipeline) if pipeline not in (None, "") else None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"{cluster}: the ConfigMap {RECORD} is not what mcci writes ({error}). Deploy again to write it anew."
        ) from error


def _ahead(site: Site, leader: _Raw) -> timedelta | None:
    """Return how far the API server's clock is ahead of ours, as far as the Lease that was just written says.

    The server writes whole seconds, and the Lease was written some seconds ago: a small difference is none.
    """
    lease = next((each for each in leader.leases if each["metadata"]["name"] == site.name), None)
    written = facts.written(lease) if lease else None
    if lease is None or written is None or not (lease.get("spec") or {}).get("holderIdentity"):
        return None
    ahead = written - site.clock.now()
    return ahead if abs(ahead.total_seconds()) > TOLERATED else timedelta(0)
