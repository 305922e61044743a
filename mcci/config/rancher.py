"""Rancher's part of `mcci.yml`: where it is, and the clusters that it is to make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mcci.config import forms
from mcci.config.choices import PoolRole
from mcci.config.keys import Marks, key, marks

# of pods and of Services, where nothing else is said: https://docs.rke2.io/reference/server_config
RKE2_RANGES = ("10.42.0.0/16", "10.43.0.0/16")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rancher:
    """The Rancher that manages the clusters, where there is one."""

    url: str = key(
        "Its address, as its setting `server-url` says it.",
        "",
        form=forms.SECURE_SITE,
        examples=("https://rancher.example.com",),
    )
    ca: str = key(
        "The file in the repository with the certificate of the authority that signed Rancher's (PEM); by default the "
        "system's authorities are trusted.",
        "",
        form=forms.PATH,
    )
    token: str = key(
        "The variable that holds the API key: the bearer token, made without a scope.",
        "RANCHER_TOKEN",
        form=forms.VARIABLE,
    )
    namespace: str = key("The namespace (Fleet's workspace) of its clusters.", "fleet-default", form=forms.NAMESPACE)
    marks: Marks = marks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Machines of one kind, which Rancher makes."""

    name: str = ""
    machine_config: str = key(
        "The machine configuration that is in Rancher, as KIND/NAME: size, image, network of its machines.",
        form=forms.KIND_AND_NAME,
        examples=("Amazonec2Config/prod-aws-servers",),
    )
    roles: tuple[PoolRole, ...] = key("What they do; by default everything.", tuple(PoolRole), unique=True)
    quantity: int = key("How many they are.", 1, minimum=1, maximum=1000)
    marks: Marks = marks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rke2:
    """An RKE2 cluster that Rancher makes: of pools of machines, or, without `pools`, of nodes that you register."""

    version: str = key("The version of RKE2.", form=forms.RKE2_VERSION, examples=("v1.34.5+rke2r1",))
    cni: str = key("The network plug-in: canal, calico, cilium, flannel.", "canal", form=forms.NAME)
    credential: str = key(
        "The cloud credential in Rancher that makes the machines, as NAMESPACE:NAME.",
        "",
        form=forms.CREDENTIAL,
        examples=("cattle-global-data:cc-x7v2k",),
    )
    pools: Mapping[str, Pool] = key("The machines, by the pool's name.", factory=dict, key_form=forms.SHORT_NAME)
    settings: Mapping[str, object] = key(
        "More of RKE2's own configuration, for every node (Rancher's `machineGlobalConfig`).", factory=dict
    )
    marks: Marks = marks()
