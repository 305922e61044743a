"""The whole of `mcci.yml` as one frozen value. Each key's meaning, default and limits are declared in its section's
class, here and in the modules that this one gathers, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mcci.config import forms
from mcci.config.canary import Analysis, Canary, ServiceCanary
from mcci.config.choices import (
    Cloud,
    DeploymentTier,
    Engine,
    Gate,
    Layout,
    NetworkMode,
    Notice,
    PoolRole,
    SiteRole,
    Stack,
    Tier,
    Topology,
    TriggerToken,
)
from mcci.config.clouds import Cluster, Environment, Network, Oidc, Site
from mcci.config.keys import Duration, Marks, Version, key, marks
from mcci.config.mesh import Federated, Mesh
from mcci.config.notify import Webhook
from mcci.config.project import Branches, Files, GitLab, Registry, Runner
from mcci.config.rancher import RKE2_RANGES, Pool, Rancher, Rke2
from mcci.config.services import Health, Service

__all__ = [
    "STAGES", "Analysis", "Branches", "Canary", "Cloud", "Cluster", "Config", "DeploymentTier", "Duration", "Engine",
    "Environment", "Federated", "Files", "Gate", "GitLab", "Health", "Layout", "Marks", "Mesh", "Network",
    "NetworkMode", "Notice", "Oidc", "Pool", "PoolRole", "Rancher", "Registry", "Rke2", "Runner", "Service",
    "ServiceCanary", "Site", "SiteRole", "Stack", "Tier", "Topology", "TriggerToken", "Version", "Webhook",
]  # fmt: skip

STAGES = ("pipeline", "deliver", "check", "compile", "build", "test", "push", "release", "verify", "canary", "rollback")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole of `mcci.yml`."""

    version: int = key("The version of this file's format.", minimum=1, maximum=1)
    application: str = key("The application's name.", form=forms.SHORT_NAME)
    layout: Layout = key(
        "Three long-lived branches (`default`, `development` and `deployment` of `branches`), or one.",
        Layout.THREE_BRANCH,
    )
    branches: Branches = key("The branches' names.", factory=Branches)
    files: Files = key("The generated files' names.", factory=Files)
    stages: Mapping[str, str] = key(
        f"Other names for stages: {', '.join(STAGES)} or an environment's.",
        factory=dict,
        key_form=forms.NAME,
        form=forms.STAGE,
    )
    gitlab: GitLab = key("The GitLab that runs the pipelines.", factory=GitLab)
    registry: Registry = key("Where images live.", factory=Registry)
    defaults: Mapping[str, object] = key(
        "What every service has unless it says otherwise: the keys of a service. Mappings are merged key by key.",
        factory=dict,
        keys_of="Service",
    )
    services: Mapping[str, Service] = key("The services, by name.", key_form=forms.SHORT_NAME)
    environments: Mapping[str, Environment] = key(
        "The environments, by name, in the order a release reaches them.", factory=dict, key_form=forms.ENVIRONMENT
    )
    clusters: Mapping[str, Cluster] = key("The clusters, by name.", factory=dict, key_form=forms.SHORT_NAME)
    mesh: Mesh = key("The Istio mesh.", factory=Mesh)
    canary: Canary = key("How new versions take over the traffic.", factory=Canary)
    notifications: Mapping[str, Webhook] = key(
        "The webhooks that are told what becomes of canaries, by name.", factory=dict, key_form=forms.SHORT_NAME
    )
    runner: Runner = key("The runners and how jobs use them.", factory=Runner)
    network: Network = key("The VPN between the clouds.", factory=Network)
    rancher: Rancher = key("The Rancher that manages the clusters.", factory=Rancher)
    include: tuple[str, ...] = key(
        "Hand-written CI files of this repository that the parent includes.",
        (),
        form=forms.INCLUDE,
        unique=True,
        examples=([".gitlab/lint.yml"],),
    )
    templates: str = key(
        "The folder with your own job templates, each in place of mcci's of that name.",
        "pipeline-templates",
        form=forms.PATH,
    )
    charts: str = key("The folder with the Helm charts.", "charts", form=forms.PATH)
    marks: Marks = marks()

    def canary_of(self, service: Service) -> Canary | None:
        """Return how new versions of `service` take over; None where they are rolled out in place."""
        own = service.canary
        if not own.enabled:
            return None
        return replace(
            self.canary,
            steps=own.steps or self.canary.steps,
            bake=self.canary.bake if own.bake is None else own.bake,
            gate=own.gate or self.canary.gate,
            analysis=own.analysis or self.canary.analysis,
        )

    def namespace_of(self, environment: Environment) -> str:
        """Return the Kubernetes namespace of `environment`."""
        return environment.namespace or self.application

    def ranges_of(self, cluster: Cluster) -> tuple[str, str]:
        """Return the ranges of a cluster's pods and Services: its own, its site's or RKE2's; empty where unknown."""
        site = self.network.sites.get(cluster.site)
        pods, services = RKE2_RANGES if cluster.rke2 else ("", "")
        return (
            cluster.pod_cidr or (site.pods if site else "") or pods,
            cluster.service_cidr or (site.services if site else "") or services,
        )

    def services_on(self, cluster: str) -> tuple[Service, ...]:
        """Return the services that run on `cluster`, as their stable or as their canary version."""
        return tuple(service for service in self.services.values() if service.runs_on(cluster))

    def config_clusters(self, environment: Environment) -> tuple[str, ...]:
        """Return the clusters of `environment` that hold the Istio objects, the leader first."""
        named = tuple(name for name in self.mesh.config_clusters if name in environment.all_clusters)
        if named:
            return named
        if self.mesh.topology is Topology.PRIMARY_REMOTE:
            return environment.all_clusters[:1]
        return environment.all_clusters
