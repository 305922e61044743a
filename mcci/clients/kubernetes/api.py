"""What mcci asks of a cluster's API. Objects are the API's own JSON; who reads them turns them into values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from mcci.errors import McciError, ServiceFailed, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

Object = dict[str, Any]
FIELD_MANAGER = "mcci"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of object, and where the API serves it. `group` is empty for the core group."""

    group: str = ""
    version: str = "v1"
    kind: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """As an object's `apiVersion`."""
        return f"{self.group}/{self.version}" if self.group else self.version


NAMESPACE = Kind(kind="Namespace", plural="namespaces", namespaced=False)
NODE = Kind(kind="Node", plural="nodes", namespaced=False)
CONFIG_MAP = Kind(kind="ConfigMap", plural="configmaps")
SECRET = Kind(kind="Secret", plural="secrets")
SERVICE = Kind(kind="Service", plural="services")
POD = Kind(kind="Pod", plural="pods")
EVENT = Kind(kind="Event", plural="events")
SERVICE_ACCOUNT = Kind(kind="ServiceAccount", plural="serviceaccounts")
DEPLOYMENT = Kind(group="apps", kind="Deployment", plural="deployments")
REPLICA_SET = Kind(group="apps", kind="ReplicaSet", plural="replicasets")
JOB = Kind(group="batch", kind="Job", plural="jobs")
LEASE = Kind(group="coordination.k8s.io", kind="Lease", plural="leases")
NETWORK_POLICY = Kind(group="networking.k8s.io", kind="NetworkPolicy", plural="networkpolicies")
BUDGET = Kind(group="policy", kind="PodDisruptionBudget", plural="poddisruptionbudgets")
AUTOSCALER = Kind(group="autoscaling", version="v2", kind="HorizontalPodAutoscaler", plural="horizontalpodautoscalers")
ROLE = Kind(group="rbac.authorization.k8s.io", kind="Role", plural="roles")
ROLE_BINDING = Kind(group="rbac.authorization.k8s.io", kind="RoleBinding", plural="rolebindings")
EXTERNAL_SECRET = Kind(group="external-secrets.io", kind="ExternalSecret", plural="externalsecrets")
VIRTUAL_SERVICE = Kind(group="networking.istio.io", kind="VirtualService", plural="virtualservices")
DESTINATION_RULE = Kind(group="networking.istio.io", kind="DestinationRule", plural="destinationrules")
GATEWAY = Kind(group="networking.istio.io", kind="Gateway", plural="gateways")
SERVICE_ENTRY = Kind(group="networking.istio.io", kind="ServiceEntry", plural="serviceentries")


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A service account's token, and when it expires (RFC 3339)."""

    text: str = field(repr=False)
    expires: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One event of a watch: `type` is ADDED, MODIFIED or DELETED."""

    type: str
    object: Object


class Conflict(McciError):
    """409: the object was changed since it was read, exists already, or another manager owns the field."""


class NotFound(Conflict):
    """404: what was to be changed is not there, or no longer."""


class Refused(McciError):
    """400 or 422: the API does not take this object; or it does not serve its kind, or has no such namespace."""


class NotAllowed(UsageError):
    """401 or 403: the credentials are wrong, or lack a right."""


class NotTaken(NotAllowed):
    """401: the server does not know the credentials, or they have run out."""


class Unreachable(ServiceFailed):
    """The API did not answer, or only with errors, until the retries were used up."""


class ClusterApi(Protocol):
    """One cluster. Safe to use from several threads.

    Every method raises `NotAllowed`, `Refused` or `Unreachable`; what a method raises beside them it says itself. A
    call that only reads, and one that is safe to send again, is retried (429 with its Retry-After, 5xx, a broken
    connection) until `deadline` seconds, set when the cluster is opened.
    """

    @property
    def name(self) -> str:
        """The cluster's name in mcci.yml."""

    def within(self, seconds: float) -> ClusterApi:
        """Return the same cluster, whose calls are given up after so many seconds."""

    def version(self) -> str:
        """Return the server's `gitVersion`, such as `v1.34.5`."""

    def skew(self) -> float | None:
        """Return how many seconds the server's clock is ahead of this machine's; None where it does not say."""

    def served(self, kind: Kind) -> bool:
        """Say whether the API serves a kind: Istio's, for one, where its CRDs are installed."""

    def get(self, kind: Kind, name: str, namespace: str = "") -> Object | None:
        """Return an object; None where there is none (or its kind is not served)."""

    def list(self, kind: Kind, namespace: str = "", *, labels: str = "", fields: str = "") -> list[Object]:
        """Return the objects that the label and field selectors take, all pages; none where the kind is not served."""

    def create(self, kind: Kind, body: Object, *, dry_run: bool = False) -> Object:
        """Make an object and return it. Raises `Conflict` where it exists."""

    def replace(self, kind: Kind, body: Object, *, dry_run: bool = False) -> Object:
        """Write an object that was read before.

        Raises `Conflict` where its `resourceVersion` is no longer current, `NotFound` where it is gone.
        """

    def apply(self, kind: Kind, body: Object, *, force: bool = False, dry_run: bool = False) -> Object:
        """Server-side apply as `FIELD_MANAGER`. Raises `Conflict` where another manager owns a field."""

    def merge(self, kind: Kind, name: str, namespace: str, patch: Object, *, dry_run: bool = False) -> Object:
        """JSON merge patch; with `metadata.resourceVersion` in it, raises `Conflict` where that is not current.

        Raises `NotFound` where there is no such object.
        """

    def delete(self, kind: Kind, name: str, namespace: str = "") -> bool:
        """Delete an object and what it owns; return whether it was there."""

    def watch(
        self, kind: Kind, namespace: str, *, labels: str = "", fields: str = "", seconds: float
    ) -> Iterator[Change]:
        """Give what there is, then what changes, until `seconds` are over. Survives a watch that ends and 410 Gone."""

    def logs(self, pod: str, namespace: str, *, container: str = "", lines: int = 50, previous: bool = False) -> str:
        """Return the last lines of a container's log; empty where there is none yet."""

    def allowed(self, verb: str, kind: Kind, namespace: str = "", *, subresource: str = "", name: str = "") -> bool:
        """Say whether these credentials may do this (SelfSubjectAccessReview): to all such objects, or to one."""

    def token(self, account: str, namespace: str, *, seconds: int, secret: Object | None = None) -> Token:
        """Return a new token of a service account; the cluster may make it end earlier (TokenRequest).

        Bound to a `secret` of the same namespace, it ends with that too. Raises `NotFound` where there is no such
        account.
        """
