"""What a check found, and what was seen of a cluster that checks judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcci.clients.kubernetes.api import Object
    from mcci.mesh.place import Found
    from mcci.mesh.plan import Member


class Status(Enum):
    """How a check ended. What could not be found out is no failure, and no success."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One check of one cluster."""

    cluster: str
    check: str
    status: Status
    found: str
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What was seen of a cluster. `tried`: by cluster, what is wrong with a remote secret's token; empty is well."""

    member: Member
    found: Found
    gateway: Object | None
    namespaces: Mapping[str, Object | None]  # the application's
    pods: tuple[Object, ...]  # in them, and Istio's own
    webhooks: tuple[Object, ...] | None  # the injector's; None where they could not be read
    tried: Mapping[str, str] = field(default_factory=dict)
