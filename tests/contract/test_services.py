"""Services: their address, and the pods that answer for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.api import MERGE, eventually, good, status
from tests.contract.objects import deployment, service
from tests.contract.workloads import (
    apps,
    available,
    core,
    pods_of,
)

if TYPE_CHECKING:
    from tests.contract.api import Cluster

Object = dict[str, Any]
fake_pods = pytest.mark.fake_pods


@fake_pods
def test_endpoints(cluster: Cluster, namespace: str) -> None:
    """A Service's Endpoints list the ready pods that it selects, at the port that its name stands for."""
    good(cluster.admin.post(core(namespace, "services"), service("web", "web")))
    good(cluster.admin.post(apps(namespace, "deployments"), deployment("web")))
    available(cluster, namespace, "web", 2)
    addresses = {each["status"]["podIP"] for each in pods_of(cluster, namespace, "web")}

    def listed() -> Object | None:
        subsets = good(cluster.admin.get(core(namespace, "endpoints", "web"))).get("subsets") or [{}]
        ips = {each["ip"] for each in subsets[0].get("addresses", ())}
        return subsets[0] if ips == addresses else None

    found = eventually(listed, "both pods in the Endpoints")
    assert found["ports"] == [{"name": "http", "port": 8080, "protocol": "TCP"}]
    target = found["addresses"][0]["targetRef"]
    assert (target["kind"], target["namespace"]) == ("Pod", namespace)


@fake_pods
def test_endpoints_of_unready_pods(cluster: Cluster, namespace: str) -> None:
    """A pod that is not ready is listed as such, and gets no traffic."""
    good(cluster.admin.post(core(namespace, "services"), service("web", "web")))
    good(cluster.admin.post(apps(namespace, "deployments"), deployment("web", replicas=1, fake="never-ready")))

    def listed() -> Object | None:
        reply = cluster.admin.get(core(namespace, "endpoints", "web"))
        subsets = reply.json().get("subsets") or [{}]
        return subsets[0] if subsets[0].get("notReadyAddresses") else None

    assert "addresses" not in eventually(listed, "the pod among the not ready")


@fake_pods
@pytest.mark.since("1.21")
def test_endpoint_slices(cluster: Cluster, namespace: str) -> None:
    """A Service's EndpointSlices carry its name as a label, and say which endpoints are ready."""
    good(cluster.admin.post(core(namespace, "services"), service("web", "web")))
    good(cluster.admin.post(apps(namespace, "deployments"), deployment("web", replicas=1)))
    path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"

    def ready() -> list[Object]:
        slices = good(cluster.admin.get(path, labelSelector="kubernetes.io/service-name=web"))["items"]
        return [end for each in slices for end in each.get("endpoints") or () if end["conditions"].get("ready")]

    assert len(eventually(ready, "a ready endpoint")) == 1


def test_cluster_ip(cluster: Cluster, namespace: str) -> None:
    """A Service gets an address of its own, keeps it, and may not change it."""
    made = good(cluster.admin.post(core(namespace, "services"), service("web", "web")))
    address = made["spec"]["clusterIP"]
    assert address.count(".") == 3
    assert made["spec"]["type"] == "ClusterIP"
    replaced = good(cluster.admin.put(core(namespace, "services", "web"), {**made, "metadata": {**made["metadata"]}}))
    assert replaced["spec"]["clusterIP"] == address
    changed = {"spec": {"clusterIP": "10.255.255.1"}}
    status(cluster.admin.patch(core(namespace, "services", "web"), MERGE, changed), 422, "Invalid")
