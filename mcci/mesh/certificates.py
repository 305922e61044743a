"""Which clusters need a certificate of the mesh's root, and from which root; decided before anything is changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcci.clients import mesh_root
from mcci.errors import UsageError
from mcci.mesh import authority

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from mcci.clients.mesh_root import Kept
    from mcci.config.mesh import Mesh
    from mcci.mesh.authority import Issued, Root
    from mcci.mesh.place import Found
    from mcci.mesh.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """`kept` certificates stay, `due` clusters get one of `root`. A root without a certificate is still to be made."""

    kept: Mapping[str, Issued]
    due: tuple[str, ...]
    root: Root | None = field(default=None, repr=False)
    new_root: bool = False


def decide(
    plan: Plan, found: Mapping[str, Found], kept: Kept | None, renew: Sequence[str], now: datetime
) -> Certificates:
    """Return which control planes keep their certificate and which get one.

    Raises `UsageError` where a root is needed and not given, has ended, or is not the one that the others trust.
    """
    have: dict[str, Issued] = {}
    due: list[str] = []
    _own_roots(plan, found, renew)
    for member in plan.primaries:
        secret = found[member.name].cacerts
        issued = authority.read(secret, member.name) if secret else None
        if issued:
            have[member.name] = issued
        if issued is None or member.name in renew or issued.is_due(now) or authority.problems(issued, now):
            due.append(member.name)
    root = _root(kept)
    _one_root(have, root, kept)
    if root:
        authority.check_root(root, now)
    if due and kept is None:
        raise UsageError(f"{', '.join(due)} must get a certificate of the mesh's root. {mesh_root.ADVICE}")
    if due and kept and root is None and have:
        raise UsageError(
            f"{', '.join(sorted(have))} trust a root that {kept.source} does not hold, and a new one would cut them "
            "off from the others. Give the mesh's root."
        )
    if due and root and root.key is None:
        assert kept is not None
        raise UsageError(f"{', '.join(due)} must get a certificate, and {kept.source} has the root without its key.")
    return Certificates(
        kept={name: each for name, each in have.items() if name not in due},
        due=tuple(due),
        root=root,
        new_root=bool(due) and root is None,
    )


def make_root(certificates: Certificates, plan: Plan, mesh: Mesh, kept: Kept | None, now: datetime) -> tuple[Root, str]:
    """Return the root, a new one where there is none, and the key's PEM where it must be kept; empty elsewhere.

    A key without a certificate is what an interrupted run left: it is used.
    """
    if certificates.root:
        return certificates.root, ""
    key = authority.read_key(kept.key, kept.source) if kept and kept.key else authority.new_key()
    return authority.new_root(key, plan.id, int(mesh.root_life), now), authority.private_pem(key)


def _own_roots(plan: Plan, found: Mapping[str, Found], renew: Sequence[str]) -> None:
    """Raise `UsageError` for a control plane that runs on a root it made itself, unless its end was asked for."""
    alone = [each.name for each in plan.primaries if found[each.name].control_planes and not found[each.name].cacerts]
    if unasked := [name for name in alone if name not in renew]:
        raise UsageError(
            f"the control plane of {', '.join(unasked)} signs with a root that it made itself (there is no Secret "
            f"{authority.SECRET}). Under the mesh's root its services mistrust each other until all are restarted: say "
            f"that you mean it with `--renew {unasked[0]}`."
        )


def _root(kept: Kept | None) -> Root | None:
    return authority.read_root(kept.certificate, kept.key, kept.source) if kept and kept.certificate else None


def _one_root(have: Mapping[str, Issued], root: Root | None, kept: Kept | None) -> None:
    """Raise `UsageError` where the clusters, and the root given, are not of one root."""
    trusted = {name: authority.pem(issued.root) for name, issued in have.items()}
    if root and kept:
        trusted = {kept.source: root.pem, **trusted}
    if len(set(trusted.values())) > 1:
        raise UsageError(
            f"{', '.join(trusted)} are not of one root: services of different roots do not trust each other. To bring "
            f"a cluster under another root, delete its Secret {authority.SECRET} and plan that as an outage of it."
        )
