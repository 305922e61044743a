"""What `mcci.yml` says, as frozen values. Each key's meaning, default and limits are declared here and nowhere else."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

from mcci.config.keys import Duration, Marks, Version, key
from mcci.findings import Position

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = r"^[a-z]([a-z0-9-]*[a-z0-9])?$"
NAME_SAYS = "lower-case letters, digits and dashes, beginning with a letter (a Kubernetes label)"
VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"
VARIABLE_SAYS = "the name of a CI/CD variable: letters, digits and underscores"
FOLDER = r"^[^/\0][^\0]*$"
FOLDER_SAYS = "a path relative to the repository's root"
BRANCH = r"^(?!/)(?!.*(\.\.|//|@\{|\\|\s|[~^:?*\[]))[^-/.][^\0]*(?<!/)(?<!\.)$"
BRANCH_SAYS = "a name that git takes for a branch"

_NOWHERE = Marks(Position(file="mcci.yml"), {})


def _marks() -> Any:
    return field(default=_NOWHERE, repr=False, compare=False)


class Layout(Enum):
    """How the project's branches divide the work."""

    THREE_BRANCH = "three-branch"
    TRUNK = "trunk"


class Tier(Enum):
    """GitLab's subscription tier."""

    FREE = "free"
    PREMIUM = "premium"
    ULTIMATE = "ultimate"


class Stack(Enum):
    """How a service's source is compiled before its image is built."""

    PYTHON = "python"
    MAVEN = "maven"
    NODE = "node"
    GO = "go"
    DOCKERFILE = "dockerfile"


class Engine(Enum):
    """What builds images in a job."""

    SOCKET = "socket"
    DIND = "dind"
    BUILDAH = "buildah"


class Cloud(Enum):
    """Where a cluster or a site runs."""

    AWS = "aws"
    AZURE = "azure"
    GCP = "gcp"
    OTHER = "other"


class DeploymentTier(Enum):
    """GitLab's `environment:deployment_tier`."""

    DEVELOPMENT = "development"
    TESTING = "testing"
    STAGING = "staging"
    PRODUCTION = "production"
    OTHER = "other"


_TIER_NAMES = (
    (DeploymentTier.DEVELOPMENT, r"dev|review|trunk"),
    (DeploymentTier.TESTING, r"test|tst|int|acc|acpt|qa|qc|control|quality"),
    (DeploymentTier.STAGING, r"stg|stag|model|mdl|pre|demo|non"),
    (DeploymentTier.PRODUCTION, r"prod|prd|live"),
)


class Gate(Enum):
    """What lets a canary step begin: a person's manual job, or the bake time and the judge's verdict."""

    MANUAL = "manual"
    AUTOMATIC = "automatic"


class Topology(Enum):
    """Istio's control-plane topology."""

    PRIMARY_REMOTE = "primary-remote"
    MULTI_PRIMARY = "multi-primary"


class TriggerToken(Enum):
    """Which token starts the deployment branch's pipeline."""

    JOB = "job-token"
    TRIGGER = "trigger-token"


class SiteRole(Enum):
    """A VPN site's part in the public key infrastructure."""

    CA = "ca"
    MEMBER = "member"


class NetworkMode(Enum):
    """How the VPN sites are joined."""

    FULL_MESH = "full-mesh"
    RESILIENT = "resilient"


@dataclass(frozen=True, slots=True, kw_only=True)
class Branches:
    """The project's long-lived branches."""

    default: str = key(
        "The default branch: the parent pipeline's source; with `layout: trunk`, the only branch.",
        "master",
        pattern=BRANCH,
        says=BRANCH_SAYS,
    )
    development: str = key("The branch with the services' code.", "development", pattern=BRANCH, says=BRANCH_SAYS)
    deployment: str = key("The branch with the Helm charts.", "deployment", pattern=BRANCH, says=BRANCH_SAYS)
    marks: Marks = _marks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The names of the generated files."""

    parent: str = key("The parent pipeline.", ".gitlab-ci.yml", pattern=FOLDER, says=FOLDER_SAYS)
    develop: str = key("The development child pipeline.", "develop-gitlab-ci.yml", pattern=FOLDER, says=FOLDER_SAYS)
    deploy: str = key("The deployment child pipeline.", "deploy-gitlab-ci.yml", pattern=FOLDER, says=FOLDER_SAYS)
    marks: Marks = _marks()


@dataclass(frozen=True, slots=True, kw_only=True)
class GitLab:
    """The GitLab that runs the pipelines: it decides which forms are generated."""

    version: Version = key("The version of GitLab, 17.0 or later.", Version(18, 2))
    tier: Tier = key("The subscription tier. No job needs more than `free` unless this says so.", Tier.FREE)
    trigger: TriggerToken = key(
        "The token with which `mcci trigger` starts the deployment pipeline: the job's own token, or a trigger token.",
        TriggerToken.JOB,
    )
    trigger_token: str = key(
        "The variable that holds the trigger token, with `trigger: trigger-token`.",
        "MCCI_TRIGGER_TOKEN",
        pattern=VARIABLE,
        says=VARIABLE_SAYS,
    )
    inputs: bool = key("Pass the release as a pipeline input (GitLab 17.11); else as the variable MCCI_RELEASE.", True)
    marks: Marks = _marks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """Where images live."""

    host: str = key(
        "The release registry.", "docker.io", pattern=r"^[A-Za-z0-9.-]+(:[0-9]+)?$", says="HOST or HOST:PORT"
    )
    namespace: str = key(
        "The namespace in the release registry; by default the application's name.",
        "",
        pattern=r"^([a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*)?$",
        says="lower-case path components, as registries take them",
    )
    candidates: str = key(
        "Where candidates are pushed before they are tested; a CI/CD variable may stand in it.", "$CI_REGISTRY_IMAGE"
    )
    username: str = key(
        "The variable that holds the release registry's user name.",
        "REGISTRY_USER",
        pattern=VARIABLE,
        says=VARIABLE_SAYS,
    )
    password: str = key(
        "The variable that holds the release registry's password or token.",
        "REGISTRY_PASSWORD",
        pattern=VARIABLE,
        says=VARIABLE_SAYS,
    )
    mirror: str = key(
        "A mirror to pull base images through: a host, or GitLab's `$CI_DEPENDENCY_PROXY_GROUP_IMAGE_PREFIX`.", ""
    )
    insecure: bool = key("Speak plain HTTP to the registry. Only for a registry on a trusted network.", False)
    marks: Marks = _marks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What the judge of a canary looks at."""

    max_error_rate: float = key(
        "The highest share of failed requests, in percent, whatever the stable version does.",
        5.0,
        minimum=0,
        maximum=100,
    )
    max_latency: Duration | None = key("The longest 95th percentile of response times, if there is a limit.", None)
    min_requests: int = key("The fewest requests on the canary before it can pass.", 100, minimum=1)
    false_alarm: float = key(
        "The chance, in percent, that a canary as good as the stable version is judged worse.",
        1.0,
        minimum=0,
        maximum=50,
    )
    queries: Mapping[str, str] = key(
        "Further PromQL queries, each of one number; a canary passes while it is not above 0.",
        factory=dict,
        key_pattern=NAME,
        says=NAME_SAYS,
    )
    marks: Marks = _marks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """How new versions take over the traffic."""

    steps: tuple[int, ...] = key(
        "The canary's weights, in percent: rising, ending at 100.", (10, 25, 50, 100), minimum=1, maximum=100
    )
    bake: Duration = key("How long a weight is held before the next step may begin.", Duration(600))
    gate: Gate = key(
        "What starts a step: a person's manual job, or the judge by itself after the bake time.", Gate.MANUAL
    )
    rollback_window: Duration = key("How long the old version is kept ready after a promotion.", Duration(3600))
    analysis: Analysis = key("What the judge looks at.", factory=Analysis)
    marks: Marks = _marks()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceCanary:
    """A service's own canary settings; what is left out is as in `canary`."""

    enabled: bool = key(
        "Whether new versions take over step by step. `canary: off` is short for `enabled: false`.", True
    )
    clusters: tuple[str, ...] = key("The clusters that run the canary version; by default the service's own.", ())
    steps: tuple[int, ...] = key("The weights, in percent; by default those of `canary`.", (), minimum=1, maximum=100)
    bake: Duration | None = key("The bake time; by default that of `canary`.", None)
    gate: Gate | None = key("What starts a step; by default as in `canary`.", None)
    analysis: Analysis | None = key("What the judge looks at; by default as in `canary`.", None)
    marks: Marks = _marks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a service says that it is well."""

    live: str = key(
        "The path that answers 2xx while the service lives.",
        "/healthz",
        pattern=r"^/",
        says="a path that begins with /",
    )
    ready: str = key(
        "The path that answers 2xx while the service takes requests.",
        "/readyz",
        pattern=r"^/",
        says="a path that begins with /",
    )
    timeout: Duration = key("How long a start may take.", Duration(60))
    marks: Marks = _marks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One microservice."""

    name: str = ""
    path: str = key("The service's folder; by default its name.", "", pattern=r"^([^/\0][^\0]*)?$", says=FOLDER_SAYS)
    stack: Stack = key("How the source is compiled; `dockerfile` leaves it to the Dockerfile.", Stack.DOCKERFILE)
    image: str = key(
        "The image's name in the registry; by default the service's name.",
        "",
        pattern=r"^([a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*)?$",
        says="lower-case path components, as registries take them",
    )
    dockerfile: str = key(
        "The Dockerfile, relative to the service's folder.",
        "Dockerfile",
        pattern=FOLDER,
        says="a path relative to the service's folder",
    )
    context: str = key(
        "The build context; by default the service's folder.", "", pattern=r"^([^/\0][^\0]*)?$", says=FOLDER_SAYS
    )
    build_args: Mapping[str, str] = key("Build arguments.", factory=dict, key_pattern=VARIABLE, says=VARIABLE_SAYS)
    build_secrets: tuple[str, ...] = key(
        "Variables passed to the build as secrets, in no argument and no layer.",
        (),
        pattern=VARIABLE,
        says=VARIABLE_SAYS,
    )
    tests: tuple[str, ...] = key("Commands run against the built image; SERVICE_URL tells them where it answers.", ())
    ports: Mapping[str, int] = key(
        "The ports it listens on, by name; the first answers the health checks.",
        factory=lambda: {"http": 8080},
        minimum=1,
        maximum=65535,
        key_pattern=NAME,
        says=NAME_SAYS,
    )
    health: Health = key("How it says that it is well.", factory=Health)
    depends_on: tuple[str, ...] = key(
        "What its image is built from besides its own folder: services by name, folders as paths with a `/`.", ()
    )
    clusters: tuple[str, ...] = key("The clusters it runs on; by default all.", ())
    canary: ServiceCanary = key(
        "Its own canary settings, or `off`.",
        factory=ServiceCanary,
        shorthand={"off": {"enabled": False}, "on": {"enabled": True}},
    )
    values: Mapping[str, object] = key("Helm values for this service's charts.", factory=dict)
    marks: Marks = _marks()

    @property
    def folder(self) -> str:
        """The service's folder, without a slash at its end."""
        return (self.path or self.name).rstrip("/")

    @property
    def build_context(self) -> str:
        """The folder that the build sends to the engine."""
        return self.context.rstrip("/") or self.folder

    @property
    def image_name(self) -> str:
        """The image's name below the registry's namespace."""
        return self.image or self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A set of clusters that a release reaches together."""

    name: str = ""
    clusters: tuple[str, ...] = key("The clusters; all in one wave unless `waves` divides them.", ())
    waves: tuple[tuple[str, ...], ...] = key(
        "The clusters in waves: a wave begins when the one before has succeeded.", ()
    )
    tier: DeploymentTier | None = key("GitLab's deployment tier; by default told from the name, as GitLab does.", None)
    url: str = key("Where people reach it.", "")
    profile: str = key("The profile that the services run with; by default the environment's name.", "")
    namespace: str = key(
        "The Kubernetes namespace; by default the application's name.",
        "",
        pattern=r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?)?$",
        says="lower-case letters, digits and dashes",
        max_length=63,
    )
    values: Mapping[str, object] = key("Helm values for this environment.", factory=dict)
    marks: Marks = _marks()

    @property
    def all_waves(self) -> tuple[tuple[str, ...], ...]:
        """The clusters wave by wave."""
        return self.waves or ((self.clusters,) if self.clusters else ())

    @property
    def all_clusters(self) -> tuple[str, ...]:
        """The clusters in the order of the waves."""
        return tuple(cluster for wave in self.all_waves for cluster in wave)

    @property
    def deployment_tier(self) -> DeploymentTier:
        """The tier given, or the one GitLab tells from the name.

        Source: https://docs.gitlab.com/ci/environments/#deployment-tier-of-environments
        """
        if self.tier is not None:
            return self.tier
        return next((tier for tier, names in _TIER_NAMES if re.search(names, self.name)), DeploymentTier.OTHER)

    @property
    def is_production(self) -> bool:
        """Whether only a person's manual job may change it."""
        return self.deployment_tier is DeploymentTier.PRODUCTION


@dataclass(frozen=True, slots=True, kw_only=True)
class Oidc:
    """Keyless access: the job's ID token is exchanged for the cloud's credentials."""

    audience: str = key("The ID token's audience (`id_tokens:aud`).")
    identity: str = key("Who the job becomes: an AWS role's ARN, an Azure client's id, a Google service account.")
    cluster: str = key("The cluster's name in its cloud; by default its name here.", "")
    tenant: str = key("The Azure tenant.", "")
    provider: str = key("Google's workload identity provider.", "")
    marks: Marks = _marks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A Kubernetes cluster and how a job reaches it: by one of `kubeconfig`, `agent` and `oidc`."""

    name: str = ""
    cloud: Cloud = key("The cloud it runs in.", Cloud.OTHER)
    region: str = key("The cloud's region.", "")
    kubeconfig: str = key(
        "The file variable that holds its kubeconfig; by default KUBECONFIG_ and its name.",
        "",
        pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$",
        says=VARIABLE_SAYS,
    )
    agent: str = key(
        "The GitLab agent's context, `path/to/project:agent`.",
        "",
        pattern=r"^([^:\s]+:[^:\s]+)?$",
        says="`path/to/project:agent`",
    )
    oidc: Oidc | None = key("Keyless access with the job's ID token.", None)
    prometheus: str = key("The URL of the Prometheus that watches it.", "", pattern=r"^(https?://.+)?$", says="a URL")
    values: Mapping[str, object] = key("Helm values for this cluster.", factory=dict)
    marks: Marks = _marks()

    @property
    def kubeconfig_variable(self) -> str:
        """The file variable with the kubeconfig; empty where an agent or OIDC gives access."""
        if self.agent or self.oidc:
            return ""
        return self.kubeconfig or f"KUBECONFIG_{self.name.upper().replace('-', '_')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mesh:
    """The Istio mesh over the clusters."""

    topology: Topology = key("One shared control plane (`primary-remote`), or one a cluster.", Topology.PRIMARY_REMOTE)
    config_clusters: tuple[str, ...] = key(
        "The clusters that hold the Istio objects, the leader first; by default production's first, or all of them.", ()
    )
    namespace: str = key("Istio's namespace.", "istio-system", pattern=NAME, says=NAME_SAYS)
    marks: Marks = _marks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """The runners and how jobs use them."""

    tags: tuple[str, ...] = key("The runner tags that every job asks for.", ())
    image: str = key("The image that mcci's jobs run in.", "python:3.12-slim")
    install: tuple[str, ...] = key(
        "What puts mcci into the job; `[]` when the image holds it.", ("pip install --quiet mcci=={version}",)
    )
    engine: Engine = key(
        "What builds images: the runner's engine by its socket, docker-in-docker, or buildah.", Engine.DIND
    )
    timeout: Duration = key("The longest a job may take.", Duration(3600))
    retry: int = key("How often a job is tried again when the runner or the system failed.", 2, minimum=0, maximum=2)
    retry_exit_codes: tuple[int, ...] = key(
        "Exit codes after which a job is tried again too; 3 is a service that failed.", (3,), minimum=1, maximum=255
    )
    marks: Marks = _marks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One site of the VPN."""

    name: str = ""
    cloud: Cloud = key("The cloud it is in.", Cloud.OTHER)
    region: str = key("The cloud's region.", "")
    address: str = key("The public address or name of its VPN instance; empty when Terraform makes it.", "")
    subnets: tuple[str, ...] = key("The private subnets it joins to the others (CIDR).", ())
    pods: str = key("Its cluster's pod range (CIDR), to be routed.", "")
    services: str = key("Its cluster's service range (CIDR), to be routed.", "")
    role: SiteRole = key("`ca` for the one site that signs the certificates.", SiteRole.MEMBER)
    marks: Marks = _marks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The OpenVPN network between the clouds."""

    mode: NetworkMode = key(
        "The thesis's full mesh, or tunnels with OSPF that survive a lost path.", NetworkMode.FULL_MESH
    )
    sites: Mapping[str, Site] = key("The sites, by name.", factory=dict, key_pattern=NAME, says=NAME_SAYS)
    marks: Marks = _marks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole of `mcci.yml`."""

    version: int = key("The version of this file's format.", minimum=1, maximum=1)
    application: str = key("The application's name.", pattern=NAME, says=NAME_SAYS, max_length=40)
    layout: Layout = key("Three branches as in the thesis, or one.", Layout.THREE_BRANCH)
    branches: Branches = key("The branches' names.", factory=Branches)
    files: Files = key("The generated files' names.", factory=Files)
    stages: Mapping[str, str] = key(
        "Other names for stages: compile, build, test, push, release, verify, canary, rollback or an environment's.",
        factory=dict,
        key_pattern=NAME,
        says=NAME_SAYS,
    )
    gitlab: GitLab = key("The GitLab that runs the pipelines.", factory=GitLab)
    registry: Registry = key("Where images live.", factory=Registry)
    defaults: Mapping[str, object] = key(
        "What every service has unless it says otherwise: the keys of a service.", factory=dict
    )
    services: Mapping[str, Service] = key("The services, by name.", key_pattern=NAME, says=NAME_SAYS, max_length=40)
    environments: Mapping[str, Environment] = key(
        "The environments, by name, in the order a release reaches them.",
        factory=dict,
        key_pattern=NAME,
        says=NAME_SAYS,
        max_length=30,
    )
    clusters: Mapping[str, Cluster] = key(
        "The clusters, by name.", factory=dict, key_pattern=NAME, says=NAME_SAYS, max_length=40
    )
    mesh: Mesh = key("The Istio mesh.", factory=Mesh)
    canary: Canary = key("How new versions take over the traffic.", factory=Canary)
    runner: Runner = key("The runners and how jobs use them.", factory=Runner)
    network: Network = key("The VPN between the clouds.", factory=Network)
    include: tuple[str, ...] = key(
        "Hand-written CI files that the parent includes.", (), pattern=FOLDER, says=FOLDER_SAYS
    )
    templates: str = key(
        "The folder with your own job templates, each in place of mcci's of that name.",
        "pipeline-templates",
        pattern=FOLDER,
        says=FOLDER_SAYS,
    )
    charts: str = key("The folder with the Helm charts.", "charts", pattern=FOLDER, says=FOLDER_SAYS)
    marks: Marks = _marks()

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

    def services_on(self, cluster: str) -> tuple[Service, ...]:
        """Return the services that run on `cluster`, as their stable or as their canary version."""
        return tuple(
            service
            for service in self.services.values()
            if not service.clusters or cluster in service.clusters or cluster in service.canary.clusters
        )

    def config_clusters(self, environment: Environment) -> tuple[str, ...]:
        """Return the clusters of `environment` that hold the Istio objects, the leader first."""
        named = tuple(name for name in self.mesh.config_clusters if name in environment.all_clusters)
        if named:
            return named
        if self.mesh.topology is Topology.PRIMARY_REMOTE:
            return environment.all_clusters[:1]
        return environment.all_clusters
