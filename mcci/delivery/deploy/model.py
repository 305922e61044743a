"""What a deploy decides on: the releases a service has on a cluster, and the steps that bring it where it should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from mcci.clients.registry.reference import Reference


class Chart(Enum):
    """The charts, by the name they have in `values` of mcci.yml."""

    MICROSERVICE = "microservice"
    ISTIO = "istio"


class Parts(Enum):
    """Which objects a release of the chart `microservice` owns (docs/decisions/0006)."""

    ALL = "all"
    SERVICE = "service"
    VERSION = "version"


class Track(Enum):
    """What a version is to the traffic."""

    STABLE = "stable"
    CANARY = "canary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A Helm release of a service that is on the cluster; `version` and `digest` are empty where it runs no pods."""

    name: str
    parts: Parts
    version: str = ""
    digest: str = ""
    track: Track = Track.STABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One service, seen from one cluster: what is wanted, what is there, and what the mesh's traffic does.

    `image` has a digest, and `version` is its name. `in_place`: a rolling update instead of a version beside the
    stable one. `runs_stable` and `runs_canary` say whether the cluster is a place for either; `named`, whether it
    needs the service's name although it runs none of it. `routes`: the cluster holds the Istio objects.

    `stable` and `canary` are the mesh's versions, empty where there is none; `weights` the live ones. `expired` are
    versions past their rollback window.
    """

    service: str
    image: Reference
    version: str
    in_place: bool
    runs_stable: bool = True
    runs_canary: bool = True
    named: bool = True
    routes: bool = True
    running: tuple[Running, ...] = ()
    stable: str = ""
    canary: str = ""
    weights: Mapping[str, int] = field(default_factory=dict)
    subsets: tuple[str, ...] = ()  # that the live traffic knows, with or without a weight
    expired: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """Install or upgrade a release. `own` are the values that the release decides, over every file's.

    `version` is the version whose pods must then be ready on the digest in `own`; empty where there are none.
    """

    release: str
    chart: Chart
    own: Mapping[str, Any]
    why: str
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Uninstall:
    """Remove a release, and its objects with it."""

    release: str
    why: str


Step = Upgrade | Uninstall


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePlan:
    """What one service needs on one cluster, in order. `stable` and `canary` are the mesh's versions afterwards."""

    service: str
    image: Reference
    version: str
    steps: tuple[Step, ...]
    stable: str
    canary: str
    says: str  # in one line, what becomes of the service
