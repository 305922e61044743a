"""The same random writes to the lab's API and to a real kube-apiserver end in the same object, owners and refusals.

Kept to what holds for the real one's version (1.20) too, which at times gives an updater fields back that it lost long
before: of an updater's fields the lab may know fewer, never more.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from mcci.lab.clusters.fields.paths import decode
from tests.contract import clusters
from tests.contract.api import APPLY, MERGE, Api, eventually
from tests.contract.real import sources

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

Object = dict[str, Any]
pytestmark = pytest.mark.kubernetes
CRD = Path(__file__).parents[3] / "charts" / "crds" / "networking.istio.io_virtualservices.yaml"
CORE, ISTIO = "/api/v1/namespaces/writes/configmaps", "/apis/networking.istio.io/v1/namespaces/writes/virtualservices"
# What each server chooses for itself.
OWN = ("uid", "resourceVersion", "creationTimestamp", "generation", "selfLink")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Api, Api]]:
    """Run both, with a namespace and Istio's VirtualService."""
    try:
        binaries = sources.binaries(lambda _: None)
    except sources.CannotBuild as error:
        pytest.skip(str(error))
    with (
        clusters.real(binaries, tmp_path_factory.mktemp("real")) as real,
        clusters.lab(tmp_path_factory.mktemp("lab")) as lab,
    ):
        for api in (real.admin, lab.admin):
            api.post("/api/v1/namespaces", {"metadata": {"name": "writes"}})
        real.admin.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", yaml.safe_load(CRD.read_text()))
        eventually(lambda: not real.admin.get(ISTIO).is_error, "the definition's kind")
        yield real.admin, lab.admin


def _config_map(chance: random.Random) -> Object:
    data = {key: str(chance.randint(1, 2)) for key in chance.sample("abcd", chance.randint(1, 4))}
    labels = dict.fromkeys(chance.sample("xyz", chance.randint(1, 2)), "1")
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "w", "labels": labels}, "data": data}


def _virtual_service(chance: random.Random) -> Object:
    routes = [{"destination": {"host": "a", "subset": "v1"}, "weight": chance.randint(0, 2)}]
    spec: Object = {"hosts": chance.sample(["a", "b"], chance.randint(1, 2))}
    if chance.random() < 0.8:
        spec["http"] = [{"route": routes}]
    head = {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "w"}}
    return {**head, "spec": spec}


def _write(api: Api, path: str, how: str, who: str, body: Object, *, force: bool) -> httpx.Response:
    if how == "apply":
        query = {"fieldManager": f"applier-{who}", **({"force": "true"} if force else {})}
        return api.patch(f"{path}/w", APPLY, body, **query)
    if how == "create":
        return api.post(path, body, fieldManager=f"updater-{who}")
    if how == "merge":
        part = {key: value for key, value in body.items() if key in ("data", "spec")}
        return api.patch(f"{path}/w", MERGE, part, fieldManager=f"updater-{who}")
    read = api.get(f"{path}/w")
    if read.status_code == 404:
        return read  # a real server makes what a PUT does not find
    version = read.json()["metadata"]["resourceVersion"]
    replaced = {**body, "metadata": {**body["metadata"], "resourceVersion": version}}
    return api.put(f"{path}/w", replaced, fieldManager=f"updater-{who}")


def _told(reply: httpx.Response) -> Object:
    """Return what both must agree on: the object and its appliers' fields, or the refusal."""
    body: Object = reply.json()
    if reply.is_error:
        return {"code": reply.status_code, "reason": body["reason"]}
    metadata = {key: value for key, value in body["metadata"].items() if key not in OWN}
    entries = metadata.pop("managedFields", ())
    appliers = {entry["manager"]: entry["fieldsV1"] for entry in entries if entry["operation"] == "Apply"}
    return {**body, "metadata": metadata, "appliers": appliers}


def _claims(reply: httpx.Response) -> set[tuple[str, ...]]:
    """Return which updater owns which field, or which fields are in conflict with whom."""
    body: Object = reply.json()
    if reply.is_error:
        causes = (body.get("details") or {}).get("causes", ())
        return {(each["message"], each["field"]) for each in causes if each["reason"] == "FieldManagerConflict"}
    entries = body["metadata"].get("managedFields", ())
    updaters = {entry["manager"]: decode(entry["fieldsV1"]) for entry in entries if entry["operation"] == "Update"}
    return {(name, *path) for name, paths in updaters.items() for path in paths}


@pytest.mark.parametrize("seed", range(40))
def test_same_writes_same_object(pair: tuple[Api, Api], seed: int) -> None:
    """Creates, applies with and without force, merges and replacements by several writers leave both the same."""
    chance = random.Random(seed)
    path, make = chance.choice([(CORE, _config_map), (ISTIO, _virtual_service)])
    for api in pair:
        api.delete(f"{path}/w")
    done = []
    for _ in range(chance.randint(3, 7)):
        how, who = chance.choice(["apply", "apply", "create", "merge", "replace"]), chance.choice("ab")
        body, force = make(chance), chance.random() < 0.3
        done.append((how, who, force, body))
        real, lab = (_write(api, path, how, who, body, force=force) for api in pair)
        assert _told(lab) == _told(real), done
        assert _claims(lab) <= _claims(real), done
