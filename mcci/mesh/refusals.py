"""Why a mesh cannot be made, or changed, as it is planned; found before anything is touched. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcci.clusters import ranges
from mcci.errors import UsageError
from mcci.mesh import versions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcci.clusters.ranges import Ranges
    from mcci.mesh.place import Found
    from mcci.mesh.plan import Plan
    from mcci.mesh.versions import Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """The rights that one cluster's credentials do not have."""

    cluster: str
    rights: tuple[str, ...]


def refuse(reasons: Iterable[str], what: str) -> None:
    """Raise `UsageError` with every reason, if there is one."""
    found = tuple(dict.fromkeys(reasons))
    if found:
        lines = "\n".join(f"  - {each}" for each in found)
        raise UsageError(f"{what}; nothing was changed:\n{lines}")


def of_versions(wanted: Numbers, found: Mapping[str, Found], plan: Plan) -> tuple[str, ...]:
    """Return why this version of Istio may not be installed in these clusters."""
    kubernetes = {name: each.kubernetes for name, each in found.items()}
    primaries = {each.name for each in plan.primaries}
    installed = {name: each.istio for name, each in found.items() if name in primaries and each.istio}
    return versions.refusals(wanted, kubernetes, {name: each for name, each in installed.items() if each})


def of_identity(found: Mapping[str, Found], plan: Plan) -> tuple[str, ...]:
    """Return which clusters are in another mesh already, or have a control plane that they should not have."""
    reasons = [
        f"{name} is in the mesh '{each.mesh}' already, and this one is '{plan.id}': set `mesh: id:`, or remove Istio "
        "there first."
        for name, each in found.items()
        if each.mesh and each.mesh != plan.id
    ]
    reasons += [
        f"{each.name} has a control plane, and it is to use that of {plan.primaries[0].name}: uninstall the release "
        "'istiod' there first."
        for each in plan.remotes
        if each.name in found and found[each.name].control_planes
    ]
    return tuple(reasons)


def of_ownership(found: Mapping[str, Found], plan: Plan) -> tuple[str, ...]:
    """Return which clusters have a control plane that Helm did not install, and so cannot upgrade."""
    return tuple(
        f"{each.name} has an istiod that Helm did not install: Helm would not touch it. Uninstall it with what "
        "installed it (`istioctl uninstall`); its Secret cacerts may stay."
        for each in plan.primaries
        if found[each.name].control_planes and "istiod" not in found[each.name].releases
    )


def of_ranges(clusters: Mapping[str, Ranges], plan: Plan) -> tuple[str, ...]:
    """Return which clusters of one network share addresses, or are not as mcci.yml has them."""
    groups = [[each.name for each in plan.members if each.network == network] for network in plan.networks]
    return tuple(f"{each.message} {each.help}" for each in ranges.clashes(clusters, groups))


def of_rights(lacking: Iterable[Lacking]) -> tuple[str, ...]:
    """Return which clusters' credentials lack which rights."""
    return tuple(
        f"{each.cluster}: the credentials may not {', '.join(each.rights)}. Installing Istio makes roles and webhooks "
        "for the whole cluster, and takes an administrator."
        for each in lacking
        if each.rights
    )
