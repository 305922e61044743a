"""The mesh's part of `mcci.yml`: the Istio over an environment's clusters, and what it takes from other meshes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mcci.config import forms
from mcci.config.choices import Topology
from mcci.config.keys import Duration, Form, Marks, key, marks

_DAY = 86400
VERSION = Form(regex=r"^1\.[0-9]{1,3}\.[0-9]{1,3}(-[A-Za-z0-9.-]+)?$", says="a version of Istio such as 1.28.1")
HOST_NAME = Form(
    regex=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$",
    says="a full name such as staff.shop.svc.cluster.local",
    max_length=253,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Federated:
    """A service of another mesh that this mesh's services may call, with the same root of trust."""

    name: str = ""
    host: str = key("The name by which it is called, the same as in its own mesh.", form=HOST_NAME)
    gateway: str = key(
        "The address of its mesh's east-west gateway; the port is 15443 unless one is given.",
        form=forms.HOST,
        examples=("198.51.100.9", "east-west.partner.example:15443"),
    )
    ports: Mapping[str, int] = key(
        "Its ports, by a name that begins with the protocol: `http`, `http2-api`, `grpc`, `tcp-db`.",
        key_form=forms.PORT_NAME,
        minimum=1,
        maximum=65535,
        examples=({"http": 8080},),
    )
    identities: tuple[str, ...] = key(
        "The identities (`spiffe://…`) it may have; by default any that the root of trust vouches for.",
        (),
        form=forms.LINE,
        unique=True,
        examples=(["spiffe://partner.example/ns/shop/sa/staff"],),
    )
    marks: Marks = marks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mesh:
    """The Istio mesh over the clusters of an environment."""

    topology: Topology = key("One shared control plane (`primary-remote`), or one a cluster.", Topology.PRIMARY_REMOTE)
    config_clusters: tuple[str, ...] = key(
        "The clusters that hold the Istio objects, the leader first; by default an environment's first cluster, with "
        "`multi-primary` all of them.",
        (),
        form=forms.NAME,
        unique=True,
    )
    namespace: str = key("Istio's namespace.", "istio-system", form=forms.NAMESPACE)
    id: str = key(
        "The mesh's ID, which no mesh that it exchanges requests with may share; by default the application's name and "
        "the environment's.",
        "",
        form=forms.NAME,
    )
    trust_domain: str = key(
        "The trust domain: what the services' identities begin with.", "cluster.local", form=forms.PROFILE
    )
    charts: str = key(
        "Where Istio's Helm charts `base`, `istiod` and `gateway` are: a repository (`https://…`, `oci://…`), or a "
        "folder beside mcci.yml.",
        "https://istio-release.storage.googleapis.com/charts",
        form=forms.LINE,
    )
    version: str = key(
        "Istio's version, 1.24 or newer. A repository needs it; a folder has its own, which must be this one.",
        "",
        form=VERSION,
        examples=("1.28.1",),
    )
    values: Mapping[str, object] = key(
        "Helm values for Istio's charts, by chart: `base`, `istiod`, `gateway`. What makes the mesh one is set over "
        "them.",
        factory=dict,
    )
    root_life: Duration = key(
        "How long the root certificate is valid.", Duration(3650 * _DAY), minimum=30 * _DAY, maximum=7300 * _DAY
    )
    certificate_life: Duration = key(
        "How long a cluster's intermediate certificate is valid; it is renewed in its last third.",
        Duration(730 * _DAY),
        minimum=7 * _DAY,
        maximum=3650 * _DAY,
    )
    token_life: Duration = key(
        "How long a remote secret's token is valid; `mcci mesh join` renews it in its last third. A cluster may allow "
        "less.",
        Duration(30 * _DAY),
        minimum=600,
        maximum=365 * _DAY,
    )
    probe_image: str = key(
        "The image, with `curl` in it, that `mcci mesh verify --request` asks from.",
        "docker.io/curlimages/curl:8.11.1",
        form=forms.REFERENCE,
    )
    services: Mapping[str, Federated] = key(
        "Services of other meshes, by a name of your own (federation).", factory=dict, key_form=forms.SHORT_NAME
    )
    marks: Marks = marks()
