"""The rights that the commands need in a cluster, in one table: `mcci doctor` asks for each and prints the role.

Whoever gives a command a new call, or a chart a new kind of object, adds the line here; a test has the commands run
with exactly these rights, and then without each of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from mcci.clients.kubernetes.api import (
    AUTOSCALER,
    BUDGET,
    CONFIG_MAP,
    DEPLOYMENT,
    DESTINATION_RULE,
    EVENT,
    EXTERNAL_SECRET,
    GATEWAY,
    JOB,
    LEASE,
    NAMESPACE,
    NETWORK_POLICY,
    POD,
    ROLE,
    ROLE_BINDING,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    SERVICE_ENTRY,
    VIRTUAL_SERVICE,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcci.clients.kubernetes.api import Kind


class Feature(Enum):
    """When a right is needed: always, or where mcci.yml makes use of it."""

    ALWAYS = "every cluster"
    MESH = "the clusters with the Istio objects"
    POLICY = "networkPolicy.enabled"
    BUDGET = "disruptionBudget.enabled"
    AUTOSCALING = "autoscaling.enabled"
    CONFIG = "a profile's or a CA bundle's content"
    MIGRATION = "migration.enabled"
    EXTERNAL_SECRETS = "externalSecrets"
    GATEWAY = "gateway.enabled"
    SERVICE_ENTRIES = "serviceEntries"
    INGRESS = "an ingress gateway's workload"


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """One right: a line of the role. `why` says what it is for."""

    verb: str
    kind: Kind
    subresource: str = ""
    feature: Feature = Feature.ALWAYS
    why: str = ""

    @property
    def resource(self) -> str:
        """The resource as RBAC names it."""
        return f"{self.kind.plural}/{self.subresource}" if self.subresource else self.kind.plural

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}{f'.{self.kind.group}' if self.kind.group else ''}"


_OBJECTS = "get create patch delete"  # what Helm does with an object of a release
_TABLE: tuple[tuple[Kind, str, str, Feature, str], ...] = (
    (NAMESPACE, "", "get", Feature.ALWAYS, "see whose the namespace is"),
    (LEASE, "", "get list create update", Feature.ALWAYS, "lock, and see who has"),
    (SECRET, "", "get list create update delete", Feature.ALWAYS, "Helm keeps its releases in Secrets"),
    (CONFIG_MAP, "", "list create update", Feature.ALWAYS, "the environment's record"),
    (CONFIG_MAP, "", "get delete", Feature.MESH, "the canaries' state"),
    (DEPLOYMENT, "", f"{_OBJECTS} list watch", Feature.ALWAYS, "the services' versions"),
    (SERVICE, "", f"{_OBJECTS} list", Feature.ALWAYS, "the services' names"),
    (SERVICE_ACCOUNT, "", _OBJECTS, Feature.ALWAYS, "the services' identities"),
    (POD, "", "list watch", Feature.ALWAYS, "see pods get ready, and count them for a canary"),
    (POD, "log", "get", Feature.ALWAYS, "show the log of a pod that fails"),
    (EVENT, "", "list watch", Feature.ALWAYS, "show why a pod does not start"),
    (VIRTUAL_SERVICE, "", "list", Feature.ALWAYS, "read the live weights"),
    (VIRTUAL_SERVICE, "", f"{_OBJECTS} update", Feature.MESH, "move traffic"),
    (DESTINATION_RULE, "", _OBJECTS, Feature.MESH, "name the versions to the mesh"),
    (NETWORK_POLICY, "", _OBJECTS, Feature.POLICY, "the chart's network policy"),
    (BUDGET, "", _OBJECTS, Feature.BUDGET, "the chart's disruption budget"),
    (AUTOSCALER, "", _OBJECTS, Feature.AUTOSCALING, "the chart's autoscaler"),
    (AUTOSCALER, "", "list", Feature.AUTOSCALING, "scale a canary up (`--scale`)"),
    (CONFIG_MAP, "", _OBJECTS, Feature.CONFIG, "the chart's profile and certificates"),
    (CONFIG_MAP, "", _OBJECTS, Feature.MIGRATION, "the migration's settings"),
    (JOB, "", f"{_OBJECTS} list watch", Feature.MIGRATION, "the migration"),
    (EXTERNAL_SECRET, "", _OBJECTS, Feature.EXTERNAL_SECRETS, "the chart's external secrets"),
    (GATEWAY, "", _OBJECTS, Feature.GATEWAY, "the chart's gateway"),
    (SERVICE_ENTRY, "", _OBJECTS, Feature.SERVICE_ENTRIES, "the chart's service entries"),
    (SERVICE, "", _OBJECTS, Feature.INGRESS, "the ingress gateway's Service"),
    (SERVICE_ACCOUNT, "", _OBJECTS, Feature.INGRESS, "the ingress gateway's identity"),
    (ROLE, "", _OBJECTS, Feature.INGRESS, "the ingress gateway reads its certificates"),
    (ROLE_BINDING, "", _OBJECTS, Feature.INGRESS, "the ingress gateway reads its certificates"),
    (BUDGET, "", _OBJECTS, Feature.INGRESS, "the ingress gateway's disruption budget"),
    (AUTOSCALER, "", _OBJECTS, Feature.INGRESS, "the ingress gateway's autoscaler"),
)
PERMISSIONS = tuple(
    Permission(verb=verb, kind=kind, subresource=subresource, feature=feature, why=why)
    for kind, subresource, verbs, feature, why in _TABLE
    for verb in verbs.split()
)


def needed(features: frozenset[Feature]) -> tuple[Permission, ...]:
    """Return the rights for these features (and always), each once."""
    return tuple(_unique(features | {Feature.ALWAYS}))


def _unique(features: frozenset[Feature]) -> Iterator[Permission]:
    seen = set()
    for each in PERMISSIONS:
        key = (each.verb, each.resource, each.kind.group)
        if each.feature in features and key not in seen:
            seen.add(key)
            yield each
