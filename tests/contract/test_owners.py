"""What goes with what: owners and what they own, namespaces and what is in them."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.api import MERGE, eventually, good, status
from tests.contract.objects import config_map, deployment
from tests.contract.workloads import (
    apps,
    core,
    pods_of,
)

if TYPE_CHECKING:
    from tests.contract.api import Cluster

Object = dict[str, Any]
fake_pods = pytest.mark.fake_pods


def test_owner_cascade(cluster: Cluster, namespace: str) -> None:
    """What an object owns goes with it; in the foreground, before it."""
    good(cluster.admin.post(apps(namespace, "deployments"), deployment("web", replicas=1)))
    eventually(lambda: pods_of(cluster, namespace, "web"), "a pod")
    foreground = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Foreground"}
    good(cluster.admin.delete(apps(namespace, "deployments", "web"), foreground))
    gone = eventually(
        lambda: cluster.admin.get(apps(namespace, "deployments", "web")).status_code == 404, "the Deployment to go", 60
    )
    assert gone
    assert good(cluster.admin.get(apps(namespace, "replicasets")))["items"] == []


def test_orphans_stay(cluster: Cluster, namespace: str) -> None:
    """With the policy Orphan what was owned stays, without an owner."""
    owner = good(cluster.admin.post(core(namespace, "configmaps"), config_map("owner")))
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    good(cluster.admin.post(core(namespace, "configmaps"), config_map("owned", ownerReferences=[reference])))
    orphan = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Orphan"}
    good(cluster.admin.delete(core(namespace, "configmaps", "owner"), orphan))
    eventually(lambda: cluster.admin.get(core(namespace, "configmaps", "owner")).status_code == 404, "the owner to go")
    assert "ownerReferences" not in good(cluster.admin.get(core(namespace, "configmaps", "owned")))["metadata"]


def test_owned_by_what_is_gone(cluster: Cluster, namespace: str) -> None:
    """An object whose owner is not there is collected."""
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "none", "uid": "0b1c0a4e-0000-4000-8000-000000000000"}
    good(cluster.admin.post(core(namespace, "configmaps"), config_map("a", ownerReferences=[reference])))
    path = core(namespace, "configmaps", "a")
    eventually(lambda: cluster.admin.get(path).status_code == 404, "the object to be collected")


@fake_pods
def test_namespace_deletion(cluster: Cluster) -> None:
    """A namespace that is deleted takes everything in it along; nothing new can be made there meanwhile."""
    name = f"contract-{secrets.token_hex(4)}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    good(cluster.admin.post("/api/v1/namespaces", body))
    eventually(lambda: cluster.admin.get(core(name, "serviceaccounts", "default")).status_code == 200, "its account")
    held = config_map("held", finalizers=["example.com/hold"])
    good(cluster.admin.post(core(name, "configmaps"), held))
    good(cluster.admin.post(apps(name, "deployments"), deployment("web", replicas=1)))
    good(cluster.admin.delete(f"/api/v1/namespaces/{name}"))
    assert good(cluster.admin.get(f"/api/v1/namespaces/{name}"))["status"]["phase"] == "Terminating"
    refused = status(cluster.admin.post(core(name, "configmaps"), config_map("late")), 403, "Forbidden")
    assert "because it is being terminated" in refused["message"]
    eventually(lambda: not good(cluster.admin.get(apps(name, "deployments")))["items"], "the Deployment to go", 60)
    good(cluster.admin.patch(core(name, "configmaps", "held"), MERGE, {"metadata": {"finalizers": None}}))
    eventually(lambda: cluster.admin.get(f"/api/v1/namespaces/{name}").status_code == 404, "the namespace to go", 90)


def test_config_maps_of_a_namespace(cluster: Cluster, namespace: str) -> None:
    """Every namespace has the cluster's certificates, and a ServiceAccount."""
    eventually(
        lambda: cluster.admin.get(core(namespace, "configmaps", "kube-root-ca.crt")).status_code == 200, "certificates"
    )
