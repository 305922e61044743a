"""The clouds' part of `mcci.yml`: environments, clusters and how jobs reach them, the VPN."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mcci.config import forms
from mcci.config.choices import Cloud, DeploymentTier, NetworkMode, SiteRole
from mcci.config.keys import Marks, key, marks
from mcci.config.rancher import Rke2

# which words in a name GitLab takes for which tier, in the order it looks for them
_TIER_WORDS = (
    (DeploymentTier.DEVELOPMENT, r"dev|review|trunk"),
    (DeploymentTier.TESTING, r"test|tst|int|accept|acpt|qa|qc|control|quality"),
    (DeploymentTier.STAGING, r"stag|stg|model|modl|pre|demo|non"),
    (DeploymentTier.PRODUCTION, r"prod|prd|live"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A set of clusters that a release reaches together."""

    name: str = ""
    clusters: tuple[str, ...] = key(
        "The clusters; all in one wave unless `waves` divides them.", (), form=forms.NAME, unique=True
    )
    waves: tuple[tuple[str, ...], ...] = key(
        "The clusters in waves: a wave begins when the one before has succeeded.",
        (),
        form=forms.NAME,
        examples=([["eu-1"], ["eu-2", "us-1"]],),
    )
    tier: DeploymentTier | None = key("GitLab's deployment tier; by default told from the name, as GitLab does.", None)
    url: str = key("Where people reach it.", "", form=forms.WEB_OR_VARIABLE)
    profile: str = key(
        "The profile that the services run with; by default the environment's name.", "", form=forms.PROFILE
    )
    namespace: str = key("The Kubernetes namespace; by default the application's name.", "", form=forms.NAMESPACE)
    values: Mapping[str, object] = key(
        "Helm values for this environment, by chart: `microservice`, `istio`.", factory=dict
    )
    marks: Marks = marks()

    @property
    def all_waves(self) -> tuple[tuple[str, ...], ...]:
        """The clusters wave by wave."""
        return self.waves or ((self.clusters,) if self.clusters else ())

    @property
    def all_clusters(self) -> tuple[str, ...]:
        """The clusters in the order of the waves."""
        return tuple(cluster for wave in self.all_waves for cluster in wave)

    @property
    def profile_name(self) -> str:
        """The profile that the services run with."""
        return self.profile or self.name

    @property
    def deployment_tier(self) -> DeploymentTier:
        """The tier given, or the one GitLab tells from the name.

        Source: https://docs.gitlab.com/ci/environments/#deployment-tier-of-environments
        """
        if self.tier is not None:
            return self.tier
        return next((tier for tier, words in _TIER_WORDS if re.search(words, self.name)), DeploymentTier.OTHER)

    @property
    def is_production(self) -> bool:
        """Whether only a person's manual job may change it."""
        return self.deployment_tier is DeploymentTier.PRODUCTION


@dataclass(frozen=True, slots=True, kw_only=True)
class Oidc:
    """Keyless access: the job's ID token is exchanged for the cloud's credentials."""

    audience: str = key(
        "The ID token's audience (`id_tokens:aud`).", form=forms.LINE, examples=("https://gitlab.example.com",)
    )
    identity: str = key(
        "Who the job becomes: an AWS role's ARN, an Azure client's id, a Google service account.", form=forms.LINE
    )
    cluster: str = key("The cluster's name in its cloud; by default its name here.", "", form=forms.LINE)
    tenant: str = key("The Azure tenant.", "", form=forms.LINE)
    resource_group: str = key("The Azure resource group that holds the cluster.", "", form=forms.LINE)
    project: str = key("The Google project that holds the cluster.", "", form=forms.LINE)
    provider: str = key(
        "Google's workload identity provider, `projects/…/locations/global/workloadIdentityPools/…/providers/…`.",
        "",
        form=forms.LINE,
    )
    server: str = key(
        "The URL of the cluster's API server. By default the cloud's own program (`aws`, `az`, `gcloud`) is asked.",
        "",
        form=forms.WEB,
    )
    authority: str = key(
        "The file in the repository with the certificate of the cluster's authority (PEM), with `server`.",
        "",
        form=forms.PATH,
    )
    marks: Marks = marks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A Kubernetes cluster and how a job reaches it: by one of `kubeconfig`, `agent`, `oidc` and `in_cluster`."""

    name: str = ""
    cloud: Cloud = key("The cloud it runs in.", Cloud.OTHER)
    region: str = key("The cloud's region.", "", form=forms.LINE)
    kubeconfig: str = key(
        "The file variable that holds its kubeconfig; by default KUBECONFIG_ and its name, in capitals.",
        "",
        form=forms.VARIABLE,
        examples=("KUBECONFIG_PROD_AWS",),
    )
    agent: str = key("The GitLab agent's context, `path/to/project:agent-name`.", "", form=forms.AGENT)
    oidc: Oidc | None = key("Keyless access with the job's ID token.", None)
    in_cluster: bool = key("The jobs run in this very cluster: their pod's service account gives access.", False)
    allow_exec: tuple[str, ...] = key(
        "The programs that its kubeconfig may run for credentials, besides the one that belongs to its cloud.",
        (),
        form=forms.LINE,
        unique=True,
        examples=(["tsh"],),
    )
    gateway: str = key(
        "The address of its mesh's ingress gateway, which `mcci verify` asks; by default the environment's `url`.",
        "",
        form=forms.HOST,
        examples=("203.0.113.7:443",),
    )
    prometheus: str = key("The URL of the Prometheus that watches it.", "", form=forms.WEB)
    network: str = key(
        "The network that its pods are in: clusters that name the same one reach each other's pods directly. By "
        "default one network for all, with `multi-primary` each cluster its own.",
        "",
        form=forms.NAME,
    )
    eastwest: str = key(
        "The address at which the other clusters reach its east-west gateway; by default the load balancer's.",
        "",
        form=forms.ADDRESS,
    )
    api_server: str = key(
        "The URL at which the mesh's control planes reach its API server; by default that of its kubeconfig.",
        "",
        form=forms.WEB,
    )
    proxies: tuple[str, ...] = key(
        "URLs of Envoys' administration, where jobs reach them: a canary's step waits until they have its weights.",
        (),
        form=forms.WEB,
        unique=True,
    )
    values: Mapping[str, object] = key("Helm values for this cluster, by chart: `microservice`, `istio`.", factory=dict)
    site: str = key("The VPN site it is in, whose `pods` and `services` are its ranges.", "", form=forms.NAME)
    pod_cidr: str = key(
        "The range of its pods (CIDR); by default its site's `pods`. No two clusters of an environment may overlap.",
        "",
        form=forms.CIDR,
        examples=("10.42.0.0/16",),
    )
    service_cidr: str = key(
        "The range of its Services (CIDR); by default its site's `services`.",
        "",
        form=forms.CIDR,
        examples=("10.43.0.0/16",),
    )
    rke2: Rke2 | None = key("The cluster that `mcci clusters create` has Rancher make.", None)
    marks: Marks = marks()

    @property
    def kubeconfig_variable(self) -> str:
        """The file variable with the kubeconfig; empty where something else gives access."""
        if self.agent or self.oidc or self.in_cluster:
            return ""
        return self.kubeconfig or f"KUBECONFIG_{self.name.upper().replace('-', '_')}"

    @property
    def id_token_variable(self) -> str:
        """The variable with the job's ID token for this cluster."""
        return f"MCCI_ID_TOKEN_{self.name.upper().replace('-', '_')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One site of the VPN."""

    name: str = ""
    cloud: Cloud = key("The cloud it is in.", Cloud.OTHER)
    region: str = key("The cloud's region.", "", form=forms.LINE)
    address: str = key(
        "The public address or name of its VPN instance; empty when Terraform makes it.", "", form=forms.LINE
    )
    subnets: tuple[str, ...] = key(
        "The private subnets it joins to the others (CIDR).",
        (),
        unique=True,
        form=forms.CIDR,
        examples=(["10.1.0.0/16"],),
    )
    pods: str = key("Its cluster's pod range (CIDR), to be routed.", "", form=forms.CIDR)
    services: str = key("Its cluster's service range (CIDR), to be routed.", "", form=forms.CIDR)
    role: SiteRole = key("`ca` for the one site that signs the certificates.", SiteRole.MEMBER)
    number: int = key(
        "Its number, which its tunnels' addresses are made of; by default its place among the sites. Give it to the "
        "sites that follow one that you take out.",
        0,
        minimum=0,
        maximum=253,
    )
    revoked: bool = key("Its certificates are revoked: the other sites refuse it, and it is not touched.", False)
    user: str = key("The user that Ansible logs in as; by default the image's own.", "", form=forms.PROFILE)
    probes: tuple[str, ...] = key(
        "Private addresses behind it that `mcci network verify` asks from every other site: pinged, or with a port "
        "(its API server) connected to.",
        (),
        unique=True,
        form=forms.HOST,
        examples=(["10.1.0.10", "10.1.0.20:6443"],),
    )
    marks: Marks = marks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The OpenVPN network between the clouds."""

    mode: NetworkMode = key(
        "Two tunnels between every two sites (`full-mesh`), or one with OSPF, which goes round a lost path.",
        NetworkMode.FULL_MESH,
    )
    sites: Mapping[str, Site] = key("The sites, by name.", factory=dict, key_form=forms.SHORT_NAME)
    tunnels: str = key("The range that the tunnels' own addresses are taken from.", "10.255.0.0/16", form=forms.CIDR)
    port: int = key(
        "The UDP port of the VPN; with `resilient` also as many above it as there are sites.",
        1194,
        minimum=1,
        maximum=65000,
    )
    admins: tuple[str, ...] = key(
        "The ranges (CIDR) from which people and jobs log in to the VPN's instances by ssh.",
        (),
        unique=True,
        form=forms.CIDR,
        examples=(["198.51.100.7/32"],),
    )
    public_key: str = key(
        "The file with the ssh public key that Terraform gives to the instances.", "", form=forms.PATH
    )
    marks: Marks = marks()
