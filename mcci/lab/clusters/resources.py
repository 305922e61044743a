"""The kinds that a cluster of the lab serves, in one table. Custom resources join it from their definitions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]
VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One kind and how it is served. All versions of a kind share their objects, which are of one shape."""

    group: str = ""
    versions: tuple[str, ...] = ("v1",)
    kind: str
    plural: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    # Whether /status is a resource of its own, whether a spec's change counts up metadata.generation, and /scale.
    status: bool = False
    generation: bool = False
    scale: bool = False
    custom: bool = False
    verbs: tuple[str, ...] = VERBS

    @property
    def api_version(self) -> str:
        """The preferred version, as an object's `apiVersion`."""
        return self.version(self.versions[0])

    @property
    def singular(self) -> str:
        """The kind in lower case, as kubectl takes it."""
        return self.kind.lower()

    def version(self, version: str) -> str:
        """Return an object's `apiVersion` in that version."""
        return f"{self.group}/{version}" if self.group else version


def _workload(kind: str, plural: str, *short: str, group: str = "apps", scale: bool = True) -> Resource:
    return Resource(
        group=group,
        kind=kind,
        plural=plural,
        short_names=short,
        categories=("all",),
        status=True,
        generation=True,
        scale=scale,
    )


def _rbac(kind: str, plural: str, *, namespaced: bool) -> Resource:
    return Resource(group="rbac.authorization.k8s.io", kind=kind, plural=plural, namespaced=namespaced)


NAMESPACES = Resource(
    kind="Namespace",
    plural="namespaces",
    namespaced=False,
    short_names=("ns",),
    status=True,
    verbs=tuple(verb for verb in VERBS if verb != "deletecollection"),
)
NODES = Resource(kind="Node", plural="nodes", namespaced=False, short_names=("no",), status=True)
PODS = Resource(kind="Pod", plural="pods", short_names=("po",), categories=("all",), status=True)
SERVICES = Resource(kind="Service", plural="services", short_names=("svc",), categories=("all",), status=True)
ENDPOINTS = Resource(kind="Endpoints", plural="endpoints", short_names=("ep",))
SERVICE_ACCOUNTS = Resource(kind="ServiceAccount", plural="serviceaccounts", short_names=("sa",))
CONFIG_MAPS = Resource(kind="ConfigMap", plural="configmaps", short_names=("cm",))
SECRETS = Resource(kind="Secret", plural="secrets")
EVENTS = Resource(kind="Event", plural="events", short_names=("ev",))
LIMIT_RANGES = Resource(kind="LimitRange", plural="limitranges", short_names=("limits",))
RESOURCE_QUOTAS = Resource(kind="ResourceQuota", plural="resourcequotas", short_names=("quota",), status=True)
PERSISTENT_VOLUME_CLAIMS = Resource(
    kind="PersistentVolumeClaim", plural="persistentvolumeclaims", short_names=("pvc",), status=True
)
DEPLOYMENTS = _workload("Deployment", "deployments", "deploy")
REPLICA_SETS = _workload("ReplicaSet", "replicasets", "rs")
STATEFUL_SETS = _workload("StatefulSet", "statefulsets", "sts")
DAEMON_SETS = _workload("DaemonSet", "daemonsets", "ds", scale=False)
CONTROLLER_REVISIONS = Resource(group="apps", kind="ControllerRevision", plural="controllerrevisions")
JOBS = _workload("Job", "jobs", group="batch", scale=False)
CRON_JOBS = _workload("CronJob", "cronjobs", "cj", group="batch", scale=False)
AUTOSCALERS = Resource(
    group="autoscaling",
    versions=("v2",),
    kind="HorizontalPodAutoscaler",
    plural="horizontalpodautoscalers",
    short_names=("hpa",),
    categories=("all",),
    status=True,
)
DISRUPTION_BUDGETS = Resource(
    group="policy",
    kind="PodDisruptionBudget",
    plural="poddisruptionbudgets",
    short_names=("pdb",),
    status=True,
    generation=True,
)
NETWORK_POLICIES = Resource(
    group="networking.k8s.io",
    kind="NetworkPolicy",
    plural="networkpolicies",
    short_names=("netpol",),
    generation=True,
)
INGRESSES = Resource(
    group="networking.k8s.io",
    kind="Ingress",
    plural="ingresses",
    short_names=("ing",),
    status=True,
    generation=True,
)
ENDPOINT_SLICES = Resource(group="discovery.k8s.io", kind="EndpointSlice", plural="endpointslices", generation=True)
LEASES = Resource(group="coordination.k8s.io", kind="Lease", plural="leases")
ROLES = _rbac("Role", "roles", namespaced=True)
ROLE_BINDINGS = _rbac("RoleBinding", "rolebindings", namespaced=True)
CLUSTER_ROLES = _rbac("ClusterRole", "clusterroles", namespaced=False)
CLUSTER_ROLE_BINDINGS = _rbac("ClusterRoleBinding", "clusterrolebindings", namespaced=False)
DEFINITIONS = Resource(
    group="apiextensions.k8s.io",
    kind="CustomResourceDefinition",
    plural="customresourcedefinitions",
    namespaced=False,
    short_names=("crd", "crds"),
    status=True,
    generation=True,
)


def _review(kind: str, group: str, *, namespaced: bool = False) -> Resource:
    """A question to the server, which is answered and not kept."""
    return Resource(group=group, kind=kind, plural=f"{kind.lower()}s", namespaced=namespaced, verbs=("create",))


REVIEWS: tuple[Resource, ...] = (
    _review("SelfSubjectAccessReview", "authorization.k8s.io"),
    _review("SelfSubjectRulesReview", "authorization.k8s.io"),
    _review("SubjectAccessReview", "authorization.k8s.io"),
    _review("LocalSubjectAccessReview", "authorization.k8s.io", namespaced=True),
    _review("SelfSubjectReview", "authentication.k8s.io"),
)

BUILT_IN: tuple[Resource, ...] = (
    NAMESPACES,
    NODES,
    PODS,
    SERVICES,
    ENDPOINTS,
    SERVICE_ACCOUNTS,
    CONFIG_MAPS,
    SECRETS,
    EVENTS,
    LIMIT_RANGES,
    RESOURCE_QUOTAS,
    PERSISTENT_VOLUME_CLAIMS,
    DEPLOYMENTS,
    REPLICA_SETS,
    STATEFUL_SETS,
    DAEMON_SETS,
    CONTROLLER_REVISIONS,
    JOBS,
    CRON_JOBS,
    AUTOSCALERS,
    DISRUPTION_BUDGETS,
    NETWORK_POLICIES,
    INGRESSES,
    ENDPOINT_SLICES,
    LEASES,
    ROLES,
    ROLE_BINDINGS,
    CLUSTER_ROLES,
    CLUSTER_ROLE_BINDINGS,
    DEFINITIONS,
    *REVIEWS,
)


def custom(definition: Object) -> Resource:
    """Return what a CustomResourceDefinition (apiextensions.k8s.io/v1) defines: its served versions, newest first."""
    spec = definition["spec"]
    names = spec["names"]
    served = [version for version in spec["versions"] if version.get("served")]
    return Resource(
        group=spec["group"],
        versions=tuple(version["name"] for version in served),
        kind=names["kind"],
        plural=names["plural"],
        namespaced=spec["scope"] == "Namespaced",
        short_names=tuple(names.get("shortNames", ())),
        categories=tuple(names.get("categories", ())),
        status=any("status" in version.get("subresources", {}) for version in served),
        generation=True,
        custom=True,
    )
