"""The whole of `mcci mesh verify`, against clusters in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mcci.clients.kubernetes.api import DEPLOYMENT, NAMESPACE, POD, Unreachable
from mcci.mesh.place import Place
from mcci.mesh.verify import run
from mcci.mesh.verify.model import Status
from tests.unit.clusters.fake_api import FakeApi, Fault, Script
from tests.unit.mesh.meshes import deployment, planned

PLAN = planned({"topology": "multi-primary"}, {"aws": {"network": "vpn"}, "azure": {"network": "vpn"}})


def places(**scripts: Script) -> tuple[Place, ...]:
    """Return the clusters, each with a control plane and nothing else."""
    found = []
    for member in PLAN.members:
        api = FakeApi(member.name, script=scripts.get(member.name))
        api.put(NAMESPACE, {"metadata": {"name": "istio-system"}})
        body = deployment("istiod", "docker.io/istio/pilot:1.28.1")
        metadata = {**body["metadata"], "namespace": "istio-system", "labels": {"app": "istiod"}}
        api.put(DEPLOYMENT, {**body, "metadata": metadata})
        found.append(Place(member=member, api=api, helm=None, kubeconfig=Path("none"), server="https://x"))
    return tuple(found)


def wish(**more: Any) -> run.Wish:
    """Ask for no request."""
    whole = {"namespaces": ("shop",), "requests": (), "command": "", "image": "curl", "environment": {}}
    return run.Wish(**{**whole, **more})


def test_a_mesh_that_was_not_joined() -> None:
    """Control planes alone are no mesh: neither certificates nor remote secrets are there, and each is told."""
    found = {(each.cluster, each.check): each.status for each in run.verify(PLAN, places(), wish())}
    assert found["aws", "control plane"] is Status.OK
    assert found["all", "versions"] is Status.OK
    assert found["aws", "certificate"] is Status.FAILED
    assert found["aws", "remote secret of azure"] is Status.FAILED
    assert found["azure", "remote secret of aws"] is Status.FAILED
    assert found["aws", "clusters seen"] is Status.UNCHECKED  # there is no kubectl
    assert found["all", "request"] is Status.UNCHECKED


def test_a_cluster_that_is_away() -> None:
    """A cluster that does not answer fails the mesh; the others are checked all the same."""
    script = Script()
    script.faults.append(Fault(error=Unreachable("azure is away")))
    results = run.verify(PLAN, places(azure=script), wish())
    found = {(each.cluster, each.check): each for each in results}
    assert found["azure", "reached"].status is Status.FAILED
    assert found["azure", "reached"].found == "azure is away"
    assert found["aws", "control plane"].status is Status.OK
    assert ("azure", "control plane") not in found


def test_nothing_is_written() -> None:
    """Looking leaves every cluster as it was."""
    made = places()
    before = [dict(place.api.state.objects) for place in made]  # type: ignore[attr-defined]
    run.verify(PLAN, made, wish())
    assert [dict(place.api.state.objects) for place in made] == before  # type: ignore[attr-defined]
    assert all(not place.api.list(POD, "shop") for place in made)
