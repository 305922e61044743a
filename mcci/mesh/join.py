"""`mcci mesh join`: each control plane gets the remote secrets of the clusters that it watches, with fresh tokens."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mcci.clients.kubernetes.api import DESTINATION_RULE, SECRET, SERVICE_ACCOUNT, SERVICE_ENTRY
from mcci.clusters import leases
from mcci.errors import UsageError
from mcci.mesh import actions, authority, links, objects, perform, refusals, remote_secrets, rights
from mcci.mesh.place import survey

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from mcci.clients.kubernetes.api import Token
    from mcci.mesh.install import Session
    from mcci.mesh.links import Link
    from mcci.mesh.perform import Step
    from mcci.mesh.place import Found, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """All that was found and decided on. `gone` are remote secrets, by cluster, of clusters that left the mesh."""

    found: Mapping[str, Found]
    links: tuple[Link, ...]
    gone: Mapping[str, tuple[str, ...]]
    endpoints: Mapping[str, tuple[str, str]] = field(repr=False)  # cluster → the API's address, its CA in base64
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """What was done, and when each token ends, by control plane and cluster."""

    steps: tuple[Step, ...]
    expires: Mapping[tuple[str, str], datetime | None]


def prepare(session: Session, *, rotate: bool) -> Ready:
    """Look at every cluster, and refuse what cannot be. Raises `UsageError` with every reason; changes nothing."""
    lacking = [_lacking(session, place) for place in session.places]
    refusals.refuse(refusals.of_rights(lacking), "the mesh cannot be joined")
    found = {place.name: survey(place, session.plan) for place in session.places}
    reasons = [*refusals.of_identity(found, session.plan), *refusals.of_ranges(session.ranges(found), session.plan)]
    reasons += [
        f"{each.name} has no control plane: run `mcci mesh install` first."
        for each in session.plan.primaries
        if not found[each.name].control_planes
    ]
    watched = {each.name for primary in session.plan.primaries for each in session.plan.watched_by(primary)}
    accounts = [place for place in session.places if place.name in watched]
    reasons += [
        f"{place.name} has no service account {remote_secrets.ACCOUNT}: run `mcci mesh install` first."
        for place in accounts
        if place.api.get(SERVICE_ACCOUNT, remote_secrets.ACCOUNT, session.plan.namespace) is None
    ]
    refusals.refuse(reasons, "the mesh cannot be joined")
    endpoints = {place.name: links.endpoint(place, session.plan.namespace) for place in accounts}
    now = authority.utc_now()
    decided = [
        links.link(primary.name, each.name, found[primary.name], endpoints[each.name], now, rotate=rotate)
        for primary in session.plan.primaries
        for each in session.plan.watched_by(primary)
    ]
    return Ready(
        found=found,
        links=tuple(decided),
        gone=links.gone(session.plan, found),
        endpoints=endpoints,
        notes=links.notes(endpoints),
    )


def shown(session: Session, ready: Ready) -> dict[str, list[dict[str, Any]]]:
    """Return, by cluster, what would be applied, secrets masked."""
    result: dict[str, list[dict[str, Any]]] = {place.name: [] for place in session.places}
    for link in ready.links:
        if link.reason:
            server, ca = ready.endpoints[link.watched]
            remote = remote_secrets.Remote(cluster=link.watched, server=server, authority=ca, token=actions.MASK)
            body = remote_secrets.secret(remote, session.plan.namespace, objects.MANAGED)
            result[link.watcher].append(
                {"apply": actions.masked({"apiVersion": "v1", "kind": "Secret", **body}, SECRET), "why": link.reason}
            )
    for cluster, names in ready.gone.items():
        result[cluster] += [{"delete": f"Secret {name}"} for name in names]
    for place in session.places:
        if place.member.is_primary:
            result[place.name] += [actions.shown(each) for each in _federation(session)]
        result[place.name] += [actions.shown(each) for each in _gateway(session, ready, place)]
    return result


def run(session: Session, ready: Ready) -> Joined:
    """Join. Tokens are asked for, and tried, before the first secret is written. Raises what the clusters raise."""
    places = {place.name: place for place in session.places}
    tokens = {
        name: _token(session, places[name])
        for name in dict.fromkeys(each.watched for each in ready.links if each.reason)
    }
    steps: list[Step] = []
    expires = {(each.watcher, each.watched): each.has.expires if each.has else None for each in ready.links}
    until = time.monotonic() + session.timeout
    for place in session.places:
        worker = perform.Performer(place=place, namespace=session.plan.namespace, until=until, say=session.say)
        with leases.hold(
            place.api, session.plan.namespace, perform.LEASE, session.holder, wait=session.wait
        ) as worker.held:
            worker.recover()
            for link in ready.links:
                if link.watcher == place.name:
                    step, ends = _connect(session, ready, worker, link, tokens.get(link.watched))
                    steps.append(step)
                    expires[link.watcher, link.watched] = ends
            steps += _prune(session, ready, worker)
            if place.member.is_primary:
                steps += [worker.perform(each) for each in _federation(session)]
            steps += [worker.perform(each) for each in _gateway(session, ready, place)]
    return Joined(steps=tuple(steps), expires=expires)


def _connect(
    session: Session, ready: Ready, worker: perform.Performer, link: Link, token: Token | None
) -> tuple[Step, datetime | None]:
    what = f"remote secret of {link.watched}"
    if token is None:
        return perform.Step(cluster=link.watcher, what=what, changed=False), link.has.expires if link.has else None
    server, ca = ready.endpoints[link.watched]
    remote = remote_secrets.Remote(
        cluster=link.watched, server=server, authority=ca, token=token.text, issued=authority.utc_now(),
        expires=remote_secrets.moment(token.expires),
    )  # fmt: skip
    body = remote_secrets.secret(remote, session.plan.namespace, objects.MANAGED)
    step = worker.perform(actions.Put(kind=SECRET, body=body))
    return replace(step, what=f"{what} ({link.reason})"), remote.expires


def _prune(session: Session, ready: Ready, worker: perform.Performer) -> list[Step]:
    """Delete the remote secrets, and the federated services, of mcci's that mcci.yml no longer has."""
    api, namespace, name = worker.place.api, session.plan.namespace, worker.place.name
    steps = []
    for secret in ready.gone.get(name, ()):
        assert worker.held is not None
        worker.held.check()
        api.delete(SECRET, secret, namespace)
        steps.append(perform.Step(cluster=name, what=f"Secret {secret} deleted", changed=True))
    if not worker.place.member.is_primary:
        return steps
    wanted = {each.body["metadata"]["name"] for each in _federation(session)}
    for kind in (SERVICE_ENTRY, DESTINATION_RULE):
        for each in api.list(kind, namespace, labels="app.kubernetes.io/managed-by=mcci"):
            old = each["metadata"]["name"]
            if old.startswith("mesh-") and old not in wanted:
                api.delete(kind, old, namespace)
                steps.append(perform.Step(cluster=name, what=f"{kind.kind} {old} deleted", changed=True))
    return steps


def _token(session: Session, place: Place) -> Token:
    """Return a new token, tried on its own cluster. Raises `UsageError` where it may not what a control plane must."""
    token = place.api.token(remote_secrets.ACCOUNT, session.plan.namespace, seconds=int(session.mesh.token_life))
    lacking = links.lacking_rights(place.name, place.server, place.authority, token.text)
    if lacking:
        raise UsageError(
            f"{place.name}: the service account {remote_secrets.ACCOUNT} may not {', '.join(lacking)}, and a control "
            "plane could not see its services. Nothing was changed. `mcci mesh install` gives it Istio's own role."
        )
    return token


def _federation(session: Session) -> list[actions.Put]:
    wanted = objects.federation(session.plan, session.mesh.services.values())
    return [actions.Put(kind=kind, body=body) for kind, body in wanted]


def _gateway(session: Session, ready: Ready, place: Place) -> Sequence[actions.Action]:
    leader = session.plan.primaries[0].name
    return actions.gateway(session.inputs, place.member, ready.found[leader].gateway)


def _lacking(session: Session, place: Place) -> refusals.Lacking:
    plan = session.plan
    watched = any(place.member in plan.watched_by(each) for each in plan.primaries)
    wanted = rights.COMMON + (rights.WATCHED if watched else ()) + (rights.WATCHING if place.member.is_primary else ())
    wanted += rights.FEDERATE if session.mesh.services and place.member.is_primary else ()
    wanted += rights.INSTALL if not place.member.is_primary and plan.has_gateway(place.member) else ()
    return refusals.Lacking(cluster=place.name, rights=rights.missing(place.api, wanted, plan.namespace))
