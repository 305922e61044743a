"""Where workloads are in the API, and what is waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.contract.api import eventually, good
from tests.contract.objects import condition

if TYPE_CHECKING:
    from tests.contract.api import Cluster

Object = dict[str, Any]


def apps(namespace: str, plural: str, name: str = "") -> str:
    """Return where an object of the group apps is."""
    return f"/apis/apps/v1/namespaces/{namespace}/{plural}{'/' + name if name else ''}"


def core(namespace: str, plural: str, name: str = "") -> str:
    """Return where an object of the core group is."""
    return f"/api/v1/namespaces/{namespace}/{plural}{'/' + name if name else ''}"


def available(cluster: Cluster, namespace: str, name: str, replicas: int) -> Object:
    """Return the Deployment once all its pods are of its newest template, and available."""

    def look() -> Object | None:
        found = good(cluster.admin.get(apps(namespace, "deployments", name)))
        told = found.get("status", {})
        counts = [told.get(field, 0) for field in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")]
        seen = told.get("observedGeneration") == found["metadata"]["generation"]
        return found if seen and counts == [replicas] * 4 else None

    found: Object = eventually(look, f"the Deployment {name} with {replicas} pods")
    return found


def pods_of(cluster: Cluster, namespace: str, app: str) -> list[Object]:
    """Return the pods of an app."""
    found: list[Object] = good(cluster.admin.get(core(namespace, "pods"), labelSelector=f"app={app}"))["items"]
    return found


def events_of_name(cluster: Cluster, namespace: str, name: str) -> list[Object]:
    """Return the events about an object of that name."""
    listed: list[Object] = good(cluster.admin.get(core(namespace, "events")))["items"]
    return [each for each in listed if each["involvedObject"]["name"] == name]


def progress(cluster: Cluster, namespace: str, name: str, reason: str) -> Object | None:
    """Return a Deployment's condition Progressing, once it has that reason."""
    found = condition(good(cluster.admin.get(apps(namespace, "deployments", name))), "Progressing")
    return found if found.get("reason") == reason else None


def reasons_of(cluster: Cluster, namespace: str, body: Object, least: str) -> set[str]:
    """Return the reasons of an object's events, once `least` is among them."""
    found = {each["reason"] for each in events_of_name(cluster, namespace, body["metadata"]["name"])}
    return found if least in found else set()


def events_of(cluster: Cluster, namespace: str, body: Object, reason: str) -> list[Object]:
    """Return an object's events with that reason."""
    return [each for each in events_of_name(cluster, namespace, body["metadata"]["name"]) if each["reason"] == reason]


def concluded(cluster: Cluster, path: str, name: str) -> Object | None:
    """Return a Job that has ended; None before."""
    found = good(cluster.admin.get(f"{path}/{name}"))
    return found if condition(found, "Complete") or condition(found, "Failed") else None
