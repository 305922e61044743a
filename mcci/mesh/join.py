"""`mcci mesh join`: each control plane gets the remote secrets of the clusters that it watches, with fresh tokens."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mcci.clients.kubernetes.api import DESTINATION_RULE, SECRET, SERVICE_ACCOUNT, SERVICE_ENTRY
from mcci.clusters import leases
from mcci.mesh import actions, anchors, authority, links, objects, perform, refusals, remote_secrets, rights
from mcci.mesh.place import survey

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from mcci.mesh.install import Session
    from mcci.mesh.links import Link
    from mcci.mesh.perform import Step
    from mcci.mesh.place import Found, Place
    from mcci.mesh.remote_secrets import Remote

SHORT = 600  # seconds: the shortest life of a token that the API grants


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """All that was found and decided on. `gone` are remote secrets, by cluster, of clusters that left the mesh.

    `rotate` says that every token is to be replaced.
    """

    found: Mapping[str, Found]
    links: tuple[Link, ...]
    gone: Mapping[str, tuple[str, ...]]
    rotate: bool
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
    wanting = {each.watched for each in decided if each.reason}
    refusals.refuse(
        _incapable(session, [each for each in accounts if each.name in wanting]), "the mesh cannot be joined"
    )
    return Ready(
        found=found,
        links=tuple(decided),
        gone=links.gone(session.plan, found),
        rotate=rotate,
        notes=links.notes(endpoints),
    )


def _incapable(session: Session, places: Sequence[Place]) -> list[str]:
    """Return which clusters' reader may not what a control plane must, as a token of ten minutes finds out."""
    reasons = []
    for place in places:
        token = place.api.token(remote_secrets.ACCOUNT, session.plan.namespace, seconds=SHORT)
        lacking = links.lacking_rights(place.name, place.server, place.authority, token.text)
        if lacking:
            reasons.append(
                f"{place.name}: the service account {remote_secrets.ACCOUNT} may not {', '.join(lacking)}, and a "
                "control plane could not see its services. `mcci mesh install` gives it Istio's own role."
            )
    return reasons


def shown(session: Session, ready: Ready) -> dict[str, list[dict[str, Any]]]:
    """Return, by cluster, what would be applied, secrets masked."""
    result: dict[str, list[dict[str, Any]]] = {place.name: [] for place in session.places}
    for link in ready.links:
        if link.reason:
            server, ca = link.endpoint
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
    """Join, cluster by cluster, each under its lock. Raises what the clusters raise."""
    places = {place.name: place for place in session.places}
    steps: list[Step] = []
    expires: dict[tuple[str, str], datetime | None] = {}
    until = time.monotonic() + session.timeout
    for place in session.places:
        worker = perform.Performer(place=place, namespace=session.plan.namespace, until=until, say=session.say)
        with leases.hold(
            place.api, session.plan.namespace, perform.LEASE, session.holder, wait=session.wait
        ) as worker.held:
            worker.recover()
            for link in _now(session, ready, place):
                remote = _grant(session, places[link.watched], link) if link.reason else link.has
                steps.append(_connect(session, worker, link, remote))
                steps += _ended(session, places[link.watched], link, remote)
                expires[link.watcher, link.watched] = remote.expires if remote else None
            steps += _prune(session, ready, worker)
            if place.member.is_primary:
                steps += [worker.perform(each) for each in _federation(session)]
            steps += [worker.perform(each) for each in _gateway(session, ready, place)]
    return Joined(steps=tuple(steps), expires=expires)


def _now(session: Session, ready: Ready, place: Place) -> list[Link]:
    """Return a control plane's links as they are under its lock: another may have renewed them since they were seen.

    Whoever decided on what was seen before could end the token that the other has just stored.
    """
    mine = [each for each in ready.links if each.watcher == place.name]
    found = survey(place, session.plan) if mine else None
    now = authority.utc_now()
    return [
        links.link(each.watcher, each.watched, found, each.endpoint, now, rotate=ready.rotate) for each in mine if found
    ]  # fmt: skip


def _grant(session: Session, place: Place, link: Link) -> Remote:
    """Return what a remote secret is to hold: a new token of the cluster, bound to a Secret of its own there."""
    api, namespace = place.api, session.plan.namespace
    anchor = anchors.make(api, namespace, link.watcher)
    life = int(session.mesh.token_life)
    token = api.token(remote_secrets.ACCOUNT, namespace, seconds=life, secret=anchor)
    server, ca = link.endpoint
    return remote_secrets.Remote(
        cluster=link.watched, server=server, authority=ca, token=token.text, issued=authority.utc_now(),
        expires=remote_secrets.moment(token.expires), anchor=anchor["metadata"]["name"],
    )  # fmt: skip


def _connect(session: Session, worker: perform.Performer, link: Link, remote: Remote | None) -> Step:
    what = f"remote secret of {link.watched}"
    if not link.reason or remote is None:
        return perform.Step(cluster=link.watcher, what=what, changed=False)
    body = remote_secrets.secret(remote, session.plan.namespace, objects.MANAGED)
    step = worker.perform(actions.Put(kind=SECRET, body=body))
    return replace(step, what=f"{what} ({link.reason})")


def _ended(session: Session, place: Place, link: Link, remote: Remote | None) -> list[Step]:
    """End the control plane's other tokens for a cluster: those that were replaced, or that a run that died left."""
    old = anchors.keep_only(place.api, session.plan.namespace, link.watcher, remote.anchor if remote else "")
    what = f"{len(old)} old {'token' if len(old) == 1 else 'tokens'} of {link.watcher} ended"
    return [perform.Step(cluster=place.name, what=what, changed=True)] if old else []


def _prune(session: Session, ready: Ready, worker: perform.Performer) -> list[Step]:
    """Delete the remote secrets, tokens and federated services of mcci's that mcci.yml no longer has."""
    api, namespace, name = worker.place.api, session.plan.namespace, worker.place.name
    watchers = {each.watcher for each in ready.links if each.watched == name}
    old = anchors.end_others(api, namespace, watchers)
    what = "tokens of control planes that left the mesh ended"
    steps = [perform.Step(cluster=name, what=what, changed=True)] if old else []
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
