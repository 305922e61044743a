"""What Rancher says of a cluster, as a value. Pure.

`status.ready` stays true once it was, so the conditions count. A cluster that was imported has its `Ready` and
`Connected` from Rancher's own cluster object; one that Rancher makes has `Provisioned`, `Updated` and `Ready` from its
control plane.

Source: https://github.com/rancher/rancher: pkg/controllers/provisioningv2/cluster/controller.go
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcci.clients.kubernetes.api import Object

_NEEDED = ("Provisioned", "Updated", "Ready", "Connected")  # in the order in which they become true


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A cluster in Rancher. `id` is its name there (`c-m-…`), empty until Rancher has given one.

    `made` says that Rancher makes it, rather than that it was imported; `messages` why it is not active.
    """

    id: str = ""
    made: bool = False
    active: bool = False
    removed: bool = False
    messages: tuple[str, ...] = ()

    def __str__(self) -> str:
        word = "being removed" if self.removed else "active" if self.active else "not active"
        return f"{word}: {'; '.join(self.messages)}" if self.messages and not self.active else word


def read(cluster: Object) -> State:
    """Return what a `provisioning.cattle.io/v1` Cluster says."""
    status = _mapping(cluster.get("status"))
    made = bool(_mapping(cluster.get("spec")).get("rkeConfig"))
    conditions = {str(each.get("type")): each for each in status.get("conditions") or () if isinstance(each, dict)}
    removed = bool(_mapping(cluster.get("metadata")).get("deletionTimestamp"))
    ready = _is(conditions, "Ready", "True") and _taken_up(cluster, status)
    spoilt = [name for name in _NEEDED if name in conditions and not _is(conditions, name, "True")]
    if not made:  # nobody provisions a cluster that was imported
        spoilt = [name for name in spoilt if name not in ("Provisioned", "Updated")]
    stalled = ["Stalled"] if _is(conditions, "Stalled", "True") else []
    return State(
        id=str(status.get("clusterName") or ""),
        made=made,
        active=ready and not spoilt and not stalled and not removed,
        removed=removed,
        messages=tuple(_words(conditions, [*stalled, *spoilt])) or _first_words(conditions, ready=ready),
    )


def _taken_up(cluster: Object, status: dict[str, Any]) -> bool:
    """Say whether the status is of the cluster as it is now, and not as it was before a change."""
    observed, generation = status.get("observedGeneration"), _mapping(cluster.get("metadata")).get("generation")
    return not (isinstance(observed, int) and isinstance(generation, int) and observed < generation)


def _words(conditions: dict[str, Any], names: list[str]) -> list[str]:
    """Return what the conditions say, each thing once."""
    said = (f"{name}: {_line(conditions[name])}" for name in names if _line(conditions[name]))
    found: dict[str, str] = {}
    for each in said:
        found.setdefault(each.partition(": ")[2], each)
    return list(found.values())


def _first_words(conditions: dict[str, Any], *, ready: bool) -> tuple[str, ...]:
    if ready:
        return ()
    others = [name for name, each in conditions.items() if each.get("status") != "True" and each.get("message")]
    return tuple(_words(conditions, others)[:2]) or ("Rancher does not say why",)


def _is(conditions: dict[str, Any], name: str, status: str) -> bool:
    return name in conditions and conditions[name].get("status") == status


def _line(condition: dict[str, Any]) -> str:
    return " ".join(str(condition.get("message") or condition.get("reason") or "").split())[:300]


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
