"""Discovery, OpenAPI, protobuf bodies and request counts: what clients ask before and beside objects."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcci.lab.clusters.api import protobuf
from mcci.lab.clusters.api.targets import Target, target_of
from mcci.lab.clusters.status import ApiError
from tests.unit.lab.rest import CONFIG_MAPS, CRDS, VIRTUAL_SERVICES, Rest, config_map, virtual_service

Object = dict[str, Any]
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
PROTOBUF = "application/vnd.kubernetes.protobuf"


@pytest.fixture
def rest() -> Rest:
    return Rest("virtualservices")


@pytest.mark.parametrize("path", ["/version", "/version/"])
def test_version_says_what_it_is(rest: Rest, path: str) -> None:
    """The version is one of Kubernetes', and says that this is a test double."""
    version = rest("GET", path).json()
    assert version["gitVersion"].startswith("v1.34.0")
    assert "test double" in version["goVersion"]


def test_one_document_a_group_version(rest: Rest) -> None:
    """Legacy discovery leads from the groups to each kind with its scope, verbs and subresources."""
    groups = {group["name"]: group for group in rest("GET", "/apis").json()["groups"]}
    assert groups["networking.istio.io"]["preferredVersion"]["version"] == "v1"
    assert rest("GET", "/apis/apps").json()["versions"] == [{"groupVersion": "apps/v1", "version": "v1"}]
    listed = {item["name"]: item for item in rest("GET", "/apis/apps/v1").json()["resources"]}
    assert listed["deployments"]["shortNames"] == ["deploy"]
    assert listed["deployments/scale"]["kind"] == "Scale"
    core = {item["name"]: item for item in rest("GET", "/api/v1").json()["resources"]}
    assert (core["namespaces"]["namespaced"], core["pods/log"]["verbs"]) == (False, ["get"])


def test_both_discoveries_agree(rest: Rest) -> None:
    """Aggregated discovery names the same kinds as the documents one by one."""
    for root in ("/api", "/apis"):
        reply = rest("GET", root, accept=AGGREGATED)
        assert "as=APIGroupDiscoveryList" in reply.headers["content-type"]
        for group in reply.json()["items"]:
            for version in group["versions"]:
                name = group["metadata"].get("name")
                path = f"/apis/{name}/{version['version']}" if name else f"/api/{version['version']}"
                listed = {item["name"] for item in rest("GET", path).json()["resources"]}
                told = {item["resource"] for item in version["resources"]}
                told |= {f"{r['resource']}/{s['subresource']}" for r in version["resources"] for s in r["subresources"]}
                assert told == listed


@pytest.mark.parametrize("path", ["/apis/nope", "/apis/nope/v1", "/apis/apps/v9", "/nope", "/apis/apps/v1/nopes"])
def test_unknown_paths(rest: Rest, path: str) -> None:
    """What is not served is 404 with a Status."""
    reply = rest("GET", path)
    assert (reply.status_code, reply.json()["reason"]) == (404, "NotFound")


def test_definition_adds_its_kind(rest: Rest) -> None:
    """A kind is served from when its definition is made, in all its versions, and no longer when that is gone."""
    import yaml

    path = "/apis/networking.istio.io/v1beta1/namespaces/default/destinationrules"
    assert rest("GET", path).status_code == 404
    definition = yaml.safe_load((CRDS / "networking.istio.io_destinationrules.yaml").read_text())
    made = rest("POST", DEFINITIONS, definition).json()
    assert {item["type"]: item["status"] for item in made["status"]["conditions"]}["Established"] == "True"
    assert rest("GET", path).status_code == 200
    rest("DELETE", f"{DEFINITIONS}/{definition['metadata']['name']}")
    assert rest("GET", path).status_code == 404


def test_object_is_the_same_in_all_versions(rest: Rest) -> None:
    """A custom object that is written in one version is read in another, under that one's apiVersion."""
    rest("POST", VIRTUAL_SERVICES, virtual_service("web"))
    old = rest("GET", f"{VIRTUAL_SERVICES.replace('/v1/', '/v1beta1/')}/web").json()
    assert old["apiVersion"] == "networking.istio.io/v1beta1"
    assert old["spec"] == virtual_service("web")["spec"]


def test_openapi_names_validation(rest: Rest) -> None:
    """Each group version has a document whose PATCH operations take fieldValidation: kubectl and helm look there."""
    index = rest("GET", "/openapi/v3").json()["paths"]
    for page in ("api/v1", "apis/apps/v1", "apis/networking.istio.io/v1"):
        url = index[page]["serverRelativeURL"].partition("?")[0]
        document = rest("GET", url).json()
        patches = [methods["patch"] for methods in document["paths"].values() if "patch" in methods]
        assert patches
        for patch in patches:
            assert "fieldValidation" in [parameter["name"] for parameter in patch["parameters"]]
            assert set(patch["x-kubernetes-group-version-kind"]) == {"group", "version", "kind"}


def test_openapi_references_lead_somewhere(rest: Rest) -> None:
    """Every reference of a document is one of its own schemas."""
    text = rest("GET", "/openapi/v3/apis/apps/v1").text
    schemas = json.loads(text)["components"]["schemas"]
    referred = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert referred <= set(schemas)
    assert "io.k8s.api.core.v1.PodSpec" in referred


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/api/v1/namespaces", Target(verb="list", group="", version="v1", plural="namespaces")),
        (
            "GET",
            "/api/v1/namespaces/shop",
            Target(verb="get", group="", version="v1", plural="namespaces", namespace="shop", name="shop"),
        ),
        (
            "PUT",
            "/api/v1/namespaces/shop/finalize",
            Target(
                verb="update", group="", version="v1", plural="namespaces", namespace="shop", name="shop",
                subresource="finalize",
            ),
        ),
        (
            "DELETE",
            "/apis/apps/v1/namespaces/shop/deployments",
            Target(verb="deletecollection", group="apps", version="v1", plural="deployments", namespace="shop"),
        ),
        (
            "PATCH",
            "/apis/apps/v1/namespaces/shop/deployments/web/scale",
            Target(
                verb="patch", group="apps", version="v1", plural="deployments", namespace="shop", name="web",
                subresource="scale",
            ),
        ),
        ("GET", "/apis/apps/v1/deployments", Target(verb="list", group="apps", version="v1", plural="deployments")),
        ("GET", "/apis/apps/v1", None),
        ("GET", "/healthz", None),
    ],
)  # fmt: skip
def test_targets(method: str, path: str, expected: Target | None) -> None:
    """A path and a method are a verb on a kind, an object or a subresource."""
    assert target_of(method, path) == expected


def _text(number: int, value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return bytes([number << 3 | 2]) + _varint(len(data)) + data


def _number(number: int, value: int) -> bytes:
    return bytes([number << 3]) + _varint(value)


def _varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def _enveloped(version: str, kind: str, raw: bytes) -> bytes:
    return b"k8s\x00" + _text(1, _text(1, version) + _text(2, kind)) + _text(2, raw)


def test_protobuf_secret(rest: Rest) -> None:
    """A Secret as Go clients send it is kept as its JSON would be, an owner's flag and binary data included."""
    owner = _text(1, "ConfigMap") + _text(3, "o") + _text(4, "u-1") + _text(5, "v1") + _number(6, 1)
    metadata = _text(1, "a") + _text(2, "") + _text(11, _text(1, "owner") + _text(2, "helm")) + _text(13, owner)
    entry = _text(1, "release") + _text(2, b"\x00\xff" * 100)
    raw = _text(1, metadata) + _text(2, entry) + _text(3, "helm.sh/release.v1")
    body = protobuf.decode(_enveloped("v1", "Secret", raw))
    assert body["metadata"]["labels"] == {"owner": "helm"}
    assert body["metadata"]["ownerReferences"] == [
        {"kind": "ConfigMap", "name": "o", "uid": "u-1", "apiVersion": "v1", "controller": True}
    ]
    assert "generateName" not in body["metadata"]
    assert (body["type"], body["data"]["release"]) == ("helm.sh/release.v1", "AP8A/wD/" * 33 + "AP8=")
    without_owner = _text(1, _text(1, "a")) + _text(2, entry)
    secrets = "/api/v1/namespaces/default/secrets"
    reply = rest("POST", secrets, _enveloped("v1", "Secret", without_owner), kind=PROTOBUF)
    assert (reply.status_code, reply.json()["data"]) == (201, body["data"])


def test_protobuf_lease() -> None:
    """Times with microseconds, numbers and unknown fields are read."""
    spec = _text(1, "me") + _number(2, 30) + _text(4, _number(1, 1767323045) + _number(2, 250000000)) + _number(9, 1)
    body = protobuf.decode(_enveloped("coordination.k8s.io/v1", "Lease", _text(1, _text(1, "l")) + _text(2, spec)))
    assert body["spec"] == {
        "holderIdentity": "me",
        "leaseDurationSeconds": 30,
        "renewTime": "2026-01-02T03:04:05.250000Z",
    }


def test_protobuf_of_another_kind() -> None:
    """A kind that the table lacks is 415 and says what to do; garbage is 400."""
    with pytest.raises(ApiError, match="not Node: send JSON") as caught:
        protobuf.decode(_enveloped("v1", "Node", b""))
    assert caught.value.code == 415
    for garbage in (b"{}", b"k8s\x00\x0a\xff", b"k8s\x00\x0f"):
        with pytest.raises(ApiError) as caught:
            protobuf.decode(garbage)
        assert caught.value.code == 400


def test_requests_are_counted(rest: Rest) -> None:
    """Requests are counted by verb and path, refused ones too; looking and clearing do not count."""
    rest("POST", CONFIG_MAPS, config_map("a"))
    rest("POST", CONFIG_MAPS, config_map("a"))
    rest("GET", CONFIG_MAPS)
    counted = rest("GET", "/lab/requests").json()
    assert counted["total"] == 3
    assert {"verb": "create", "path": CONFIG_MAPS, "count": 2} in counted["requests"]
    rest("DELETE", "/lab/requests")
    assert rest.requests.total == 0
