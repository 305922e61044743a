"""Custom resources: the committed definitions of Istio's kinds are taken, and what breaks them is refused."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.contract.api import APPLY, MERGE, eventually, good, status

if TYPE_CHECKING:
    from tests.contract.api import Cluster

CRDS = Path(__file__).parents[2] / "charts/crds"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
ISTIO = "/apis/networking.istio.io/v1"


@pytest.fixture(autouse=True)
def _definitions(cluster: Cluster) -> None:
    """Apply the definitions where a cluster has none of its own, and wait until they are served."""
    known = {each["metadata"]["name"] for each in good(cluster.admin.get(DEFINITIONS))["items"]}
    for file in sorted(CRDS.glob("*.yaml")):
        for body in yaml.safe_load_all(file.read_text()):
            name = body["metadata"]["name"]
            if cluster.name == "given" and name in known:
                continue
            good(cluster.admin.patch(f"{DEFINITIONS}/{name}", APPLY, body, fieldManager="contract", force="true"))

    def served() -> bool:
        reply = cluster.admin.get(ISTIO)
        names = {each["name"] for each in reply.json().get("resources", ())} if reply.status_code == 200 else set()
        ready = {"virtualservices", "destinationrules"} <= names
        return ready and cluster.admin.get(f"{ISTIO}/virtualservices").status_code == 200

    eventually(served, "Istio's kinds")


def _virtual_service(*weights: int, **spec: Any) -> dict[str, Any]:
    route = [
        {"destination": {"host": "web", "subset": f"v{number}"}, "weight": weight}
        for number, weight in enumerate(weights, start=1)
    ]
    return {
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "web"},
        "spec": {"hosts": ["web"], "http": [{"name": "main", "route": route}], **spec},
    }  # fmt: skip


def _path(namespace: str, name: str = "") -> str:
    return f"{ISTIO}/namespaces/{namespace}/virtualservices{'/' + name if name else ''}"


def test_established(cluster: Cluster) -> None:
    """A definition says that it is established and its names accepted."""
    found = good(cluster.admin.get(f"{DEFINITIONS}/virtualservices.networking.istio.io"))
    held = {each["type"] for each in found["status"]["conditions"] if each["status"] == "True"}
    assert {"Established", "NamesAccepted"} <= held
    assert found["status"]["acceptedNames"]["kind"] == "VirtualService"


def test_generation(cluster: Cluster, namespace: str) -> None:
    """A change of the weights counts up the generation; an annotation does not."""
    made = good(cluster.admin.post(_path(namespace), _virtual_service(100, 0)), 201)
    assert made["metadata"]["generation"] == 1
    noted = good(
        cluster.admin.patch(_path(namespace, "web"), MERGE, {"metadata": {"annotations": {"mcci.io/token": "7"}}})
    )
    assert noted["metadata"]["generation"] == 1
    changed = good(cluster.admin.patch(_path(namespace, "web"), MERGE, {"spec": _virtual_service(90, 10)["spec"]}))
    assert changed["metadata"]["generation"] == 2
    weights = [each["weight"] for each in changed["spec"]["http"][0]["route"]]
    assert weights == [90, 10]


def test_wrong_type(cluster: Cluster, namespace: str) -> None:
    """A value of the wrong type is refused, and the cause names the field."""
    body = _virtual_service(100)
    body["spec"]["http"][0]["route"][0]["weight"] = "all"
    refused = status(cluster.admin.post(_path(namespace), body), 422, "Invalid")
    assert any("weight" in cause["field"] for cause in refused["details"]["causes"])


def test_unknown_field(cluster: Cluster, namespace: str) -> None:
    """A field that the definition does not have is not kept."""
    body = _virtual_service(100)
    body["spec"]["http"][0]["rout"] = []
    made = good(cluster.admin.post(_path(namespace), body), 201)
    assert made["spec"]["http"] == _virtual_service(100)["spec"]["http"]


@pytest.mark.since("1.25")
def test_unknown_field_refused(cluster: Cluster, namespace: str) -> None:
    """Where validation is strict, a field that the definition does not have is refused."""
    body = _virtual_service(100)
    body["spec"]["http"][0]["rout"] = []
    refused = status(cluster.admin.post(_path(namespace), body, fieldValidation="Strict"), 400, "BadRequest")
    assert 'unknown field "spec.http[0].rout"' in refused["message"]


def test_unknown_kind_of_group(cluster: Cluster, namespace: str) -> None:
    """A kind that no definition defines is a 404."""
    assert cluster.admin.get(f"{ISTIO}/namespaces/{namespace}/unheardofs").status_code == 404


def test_no_strategic_patch(cluster: Cluster, namespace: str) -> None:
    """Custom resources have no strategic merge patch."""
    good(cluster.admin.post(_path(namespace), _virtual_service(100)))
    strategic = "application/strategic-merge-patch+json"
    status(cluster.admin.patch(_path(namespace, "web"), strategic, {"spec": {}}), 415, "UnsupportedMediaType")


def test_replace_needs_a_version(cluster: Cluster, namespace: str) -> None:
    """A custom resource is replaced only with the version that was read."""
    made = good(cluster.admin.post(_path(namespace), _virtual_service(100, 0)))
    refused = status(cluster.admin.put(_path(namespace, "web"), _virtual_service(90, 10)), 422, "Invalid")
    assert "metadata.resourceVersion" in {cause["field"] for cause in refused["details"]["causes"]}
    version = {"name": "web", "resourceVersion": made["metadata"]["resourceVersion"]}
    good(cluster.admin.put(_path(namespace, "web"), {**_virtual_service(90, 10), "metadata": version}))
    status(
        cluster.admin.put(_path(namespace, "web"), {**_virtual_service(80, 20), "metadata": version}), 409, "Conflict"
    )


def test_apply_owns_a_list_whole(cluster: Cluster, namespace: str) -> None:
    """The routes are one field: who applies others than were patched conflicts at `.spec.http`."""
    path = _path(namespace, "web")
    good(cluster.admin.patch(path, APPLY, _virtual_service(100, 0), fieldManager="helm"))
    good(
        cluster.admin.patch(
            path, MERGE, {"spec": {"http": _virtual_service(90, 10)["spec"]["http"]}}, fieldManager="mcci"
        )
    )
    refused = status(cluster.admin.patch(path, APPLY, _virtual_service(100, 0), fieldManager="helm"), 409, "Conflict")
    assert [cause["field"] for cause in refused["details"]["causes"]] == [".spec.http"]
    same = good(cluster.admin.patch(path, APPLY, _virtual_service(90, 10), fieldManager="helm"))
    assert same["spec"]["http"][0]["route"][1]["weight"] == 10


def test_discovery(cluster: Cluster) -> None:
    """The group, its versions and its kinds with their short names are discovered."""
    groups = {each["name"]: each for each in good(cluster.admin.get("/apis"))["groups"]}
    assert "networking.istio.io/v1" in {each["groupVersion"] for each in groups["networking.istio.io"]["versions"]}
    found = {each["name"]: each for each in good(cluster.admin.get(ISTIO))["resources"]}
    assert (found["virtualservices"]["kind"], found["virtualservices"]["namespaced"]) == ("VirtualService", True)
    assert "vs" in found["virtualservices"]["shortNames"]
