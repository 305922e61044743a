"""`mcci mesh install`: the control planes, what the other clusters need to use them, and the certificates."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mcci.clients import mesh_root
from mcci.clusters import leases
from mcci.errors import UsageError
from mcci.mesh import actions, authority, certificates, charts, objects, perform, refusals, rights, versions
from mcci.mesh.place import survey

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from mcci.clients.helm.charts import Chart
    from mcci.clients.kubernetes.api import Object
    from mcci.clients.mesh_root import Kept
    from mcci.clusters.leases import Holder
    from mcci.clusters.ranges import Ranges
    from mcci.config.mesh import Mesh
    from mcci.mesh.actions import Action, Inputs
    from mcci.mesh.authority import Issued, Root
    from mcci.mesh.certificates import Certificates
    from mcci.mesh.perform import Step
    from mcci.mesh.place import Found, Place
    from mcci.mesh.plan import Plan

UNKNOWN = "the address of {}'s east-west gateway"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What `install` and `join` share. `declared` are the clusters' addresses as mcci.yml has them."""

    plan: Plan
    mesh: Mesh
    places: Sequence[Place]
    charts: Mapping[str, Chart]
    declared: Mapping[str, Ranges]
    holder: Holder
    timeout: float
    wait: float
    say: Callable[[str, str], None]

    @property
    def inputs(self) -> Inputs:
        """What decides on the actions."""
        return actions.Inputs(plan=self.plan, charts=self.charts, values=self.mesh.values)

    def ranges(self, found: Mapping[str, Found]) -> dict[str, Ranges]:
        """Return the clusters' addresses, as mcci.yml has them and as the clusters show them."""
        return {name: replace(self.declared[name], reported=each.ranges) for name, each in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """All that was found, and decided on, before anything is changed."""

    found: Mapping[str, Found]
    certificates: Certificates
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """What was done, and what each control plane signs with now."""

    steps: tuple[Step, ...]
    issued: Mapping[str, Issued] = field(repr=False)


def prepare(session: Session, kept: Kept | None, renew: Sequence[str]) -> Ready:
    """Look at every cluster, and refuse what cannot be. Raises `UsageError` with every reason; changes nothing."""
    lacking = [_lacking(session.plan, place) for place in session.places]
    refusals.refuse(refusals.of_rights(lacking), "the mesh cannot be installed")
    found = {place.name: survey(place, session.plan) for place in session.places}
    version = charts.version_of(session.charts)
    reasons = [
        *refusals.of_versions(version, found, session.plan),
        *refusals.of_identity(found, session.plan),
        *refusals.of_ownership(found, session.plan),
        *refusals.of_ranges(session.ranges(found), session.plan),
    ]
    decided = None
    try:
        decided = certificates.decide(session.plan, found, kept, renew, authority.utc_now())
    except UsageError as error:
        reasons.append(str(error))
    refusals.refuse(reasons, "the mesh cannot be installed")
    assert decided is not None
    notes = versions.notes(version, {name: each.kubernetes for name, each in found.items()})
    return Ready(found=found, certificates=decided, notes=notes)


def shown(session: Session, ready: Ready) -> dict[str, list[dict[str, Any]]]:
    """Return, by cluster, what would be applied; nothing is asked or changed."""
    return {place.name: [actions.shown(each) for each in _planned(session, ready, place)] for place in session.places}


def run(session: Session, ready: Ready, kept: Kept | None, folder: Path | None) -> Installed:
    """Install. A new root is kept in `folder` before anything else is done.

    Raises what the clusters and helm raise; run again, it goes on where it was.
    """
    root = _root(session, ready, kept, folder)
    issued = dict(ready.certificates.kept)

    def certify(cluster: str) -> Object:
        assert root is not None
        life = int(session.mesh.certificate_life)
        issued[cluster] = authority.issue(
            root, session.plan.id, cluster, session.plan.namespace, life, authority.utc_now()
        )
        return authority.secret(issued[cluster], session.plan.namespace, objects.MANAGED)

    steps: list[Step] = []
    pilot = ""
    until = time.monotonic() + session.timeout
    for place in session.places:
        worker = perform.Performer(
            place=place, namespace=session.plan.namespace, until=until, say=session.say, certify=certify
        )
        decided = actions.install(replace(session.inputs, due=ready.certificates.due), place.member, pilot)
        steps += locked(session, worker, decided)
        if place.member is session.plan.primaries[0] and session.plan.remotes:
            pilot = worker.address()
    return Installed(steps=tuple(steps), issued=issued)


def locked(session: Session, worker: perform.Performer, decided: Sequence[Action]) -> list[Step]:
    """Do a cluster's actions under its lock; the first makes the namespace that the lock is in."""
    steps = [worker.perform(decided[0])]
    name = worker.place.name
    with ExitStack() as stack:
        worker.held = stack.enter_context(
            leases.hold(
                worker.place.api, session.plan.namespace, perform.LEASE, session.holder, wait=session.wait,
                say=lambda line: session.say(name, line),
            )
        )  # fmt: skip
        worker.recover()
        steps += [worker.perform(each) for each in decided[1:]]
    return steps


def _planned(session: Session, ready: Ready, place: Place) -> tuple[Action, ...]:
    leader = session.plan.primaries[0].name
    pilot = ready.found[leader].gateway or UNKNOWN.format(leader)
    inputs = replace(session.inputs, due=ready.certificates.due)
    return actions.install(inputs, place.member, pilot) + actions.gateway(inputs, place.member, pilot)


def _root(session: Session, ready: Ready, kept: Kept | None, folder: Path | None) -> Root | None:
    decided = ready.certificates
    if not decided.due:
        return None
    root, key = certificates.make_root(decided, session.plan, session.mesh, kept, authority.utc_now())
    if key:
        if folder is None:
            raise UsageError(f"the mesh's new root must be kept somewhere. {mesh_root.ADVICE}")
        mesh_root.keep(folder, root.pem, key)
        session.say(
            session.plan.id,
            f"made a new root of trust in {folder}: keep {mesh_root.KEY} there secret, and do not lose it",
        )
    return root


def _lacking(plan: Plan, place: Place) -> refusals.Lacking:
    wanted = rights.INSTALL + (rights.EXPOSE if plan.has_gateway(place.member) and place.member.is_primary else ())
    return refusals.Lacking(cluster=place.name, rights=rights.missing(place.api, wanted, plan.namespace))
