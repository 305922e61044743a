"""Leases: what a lock is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.contract.api import good, status

if TYPE_CHECKING:
    from tests.contract.api import Cluster


def _lease(holder: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "lock"},
        "spec": {"holderIdentity": holder, "leaseDurationSeconds": 15, **spec},
    }  # fmt: skip


def test_one_holder(cluster: Cluster, namespace: str) -> None:
    """Of two who take over the same Lease, one gets 409; microseconds are kept."""
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
    made = good(cluster.admin.post(path, _lease("one", renewTime="2026-01-02T03:04:05.678901Z")))
    assert made["spec"]["renewTime"] == "2026-01-02T03:04:05.678901Z"
    one = {**made, "spec": {**made["spec"], "holderIdentity": "two", "leaseTransitions": 1}}
    assert good(cluster.admin.put(f"{path}/lock", one))["spec"]["leaseTransitions"] == 1
    other = {**made, "spec": {**made["spec"], "holderIdentity": "three"}}
    status(cluster.admin.put(f"{path}/lock", other), 409, "Conflict")
    assert good(cluster.admin.get(f"{path}/lock"))["spec"]["holderIdentity"] == "two"


def test_whole_seconds(cluster: Cluster, namespace: str) -> None:
    """A duration that is not positive or no whole number of seconds is refused."""
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
    status(cluster.admin.post(path, _lease("one", leaseDurationSeconds=0)), 422, "Invalid")
    assert cluster.admin.post(path, _lease("one", leaseDurationSeconds=1.5)).status_code == 400
