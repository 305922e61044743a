"""What mcci.yml says of a cluster is Rancher's object, and changing one keeps what mcci.yml does not speak of."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from mcci.clients.kubernetes.api import DEPLOYMENT, NAMESPACE, Kind, Refused
from mcci.clusters.rancher import manifest, objects
from mcci.clusters.rancher.creating import script
from mcci.config.load import load
from mcci.config.model import Config
from mcci.errors import McciError

POOLS = """{
  servers: {machine_config: Amazonec2Config/servers, roles: [etcd, control-plane], quantity: 3},
  workers: {machine_config: Amazonec2Config/workers, roles: [worker]}}"""


def config(pools: str = POOLS, more: str = "", **cluster: str) -> Config:
    """Return a configuration with the cluster `one`."""
    keys = "".join(f", {key}: {value}" for key, value in cluster.items())
    return load(
        f"""
version: 1
application: shop
services: {{cart: {{}}}}
rancher: {{url: "https://rancher.example"}}
clusters:
  one: {{rke2: {{version: v1.34.5+rke2r1, pools: {pools}{more}}}{keys}}}
environments: {{production: {{clusters: [one]}}}}
""".encode(),
        "mcci.yml",
    )


def wanted(pools: str = POOLS, more: str = "", **cluster: str) -> dict[str, Any]:
    """Return the object of the cluster `one`."""
    found = config(pools, more, **cluster)
    return objects.wanted(found, found.clusters["one"])


def test_wanted() -> None:
    """Version, credential, ranges, network plug-in, settings and pools are where Rancher looks for them."""
    more = ', cni: calico, credential: "cattle-global-data:cc-x", settings: {profile: cis}'
    assert wanted(more=more, pod_cidr="10.50.0.0/16") == {
        "metadata": {"name": "one", "namespace": "fleet-default"},
        "spec": {
            "kubernetesVersion": "v1.34.5+rke2r1",
            "cloudCredentialSecretName": "cattle-global-data:cc-x",
            "rkeConfig": {
                "machineGlobalConfig": {
                    "profile": "cis", "cni": "calico", "cluster-cidr": "10.50.0.0/16", "service-cidr": "10.43.0.0/16",
                },
                "machinePools": [
                    {"name": "servers", "quantity": 3, "etcdRole": True, "controlPlaneRole": True, "workerRole": False,
                     "machineConfigRef": {"kind": "Amazonec2Config", "name": "servers"}},
                    {"name": "workers", "quantity": 1, "etcdRole": False, "controlPlaneRole": False, "workerRole": True,
                     "machineConfigRef": {"kind": "Amazonec2Config", "name": "workers"}},
                ],
            },
        },
    }  # fmt: skip
    assert "machinePools" not in wanted(pools="{}")["spec"]["rkeConfig"]
    kind = Kind(group="rke-machine-config.cattle.io", kind="Amazonec2Config", plural="amazonec2configs")
    rke2 = config().clusters["one"].rke2
    assert rke2 is not None
    assert objects.machine_configs(rke2) == ((kind, "servers"), (kind, "workers"))


def as_rancher_has_it(body: dict[str, Any]) -> dict[str, Any]:
    """Return an object with what Rancher adds and leaves out."""
    found = copy.deepcopy(body)
    found["metadata"] |= {"resourceVersion": "7", "annotations": {"a": "b"}}
    found["spec"] |= {"localClusterAuthEndpoint": {}}
    found["spec"]["rkeConfig"] |= {"upgradeStrategy": {"workerConcurrency": "1"}}
    for pool in found["spec"]["rkeConfig"].get("machinePools", []):
        pool["dynamicSchemaSpec"] = "{}"
        pool["machineConfigRef"]["apiVersion"] = "rke-machine-config.cattle.io/v1"
        for role in ("etcdRole", "controlPlaneRole", "workerRole"):
            if not pool[role]:
                del pool[role]
    return found


def test_unchanged() -> None:
    """What Rancher adds to an object, and the falsehoods that it leaves out, are no difference."""
    assert objects.differences(as_rancher_has_it(wanted()), wanted()) == ()
    bare = as_rancher_has_it(wanted())
    bare["spec"]["rkeConfig"]["machineGlobalConfig"] = {}
    assert objects.differences(bare, wanted()) == (), "what RKE2 does by default, somebody did not write"


def test_changed() -> None:
    """A pool grows, one is added, the version rises: these alone change, and the rest stays as Rancher has it."""
    current = as_rancher_has_it(wanted())
    new = wanted(
        pools=POOLS.replace("quantity: 3", "quantity: 5").replace(
            "{\n", "{\n  gpu: {machine_config: Amazonec2Config/gpu, roles: [worker]},\n"
        )
    )
    new["spec"]["kubernetesVersion"] = "v1.35.1+rke2r1"
    said = objects.differences(current, new)
    assert "kubernetesVersion: v1.34.5+rke2r1 → v1.35.1+rke2r1" in said
    assert "servers.quantity: 3 → 5" in said
    assert "gpu.quantity: none → 1" in said
    result = objects.changed(current, new)
    assert objects.differences(result, new) == ()
    rke = result["spec"]["rkeConfig"]
    servers = next(each for each in rke["machinePools"] if each["name"] == "servers")
    assert (servers["quantity"], servers["dynamicSchemaSpec"]) == (5, "{}")
    assert servers["machineConfigRef"]["apiVersion"] == "rke-machine-config.cattle.io/v1"
    assert rke["upgradeStrategy"] == {"workerConcurrency": "1"}
    assert result["metadata"] == current["metadata"]
    assert current == as_rancher_has_it(wanted()), "what was read is not touched"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"pod_cidr": "10.50.0.0/16"}, "its 'cluster-cidr' is 10.42.0.0/16, mcci.yml says 10.50.0.0/16"),
        ({"more": ", cni: calico"}, "its 'cni' is canal, mcci.yml says calico"),
        ({"pools": POOLS.replace("workers:", "others:")}, "Rancher has the pool workers, and mcci.yml has not"),
    ],
)
def test_refused(change: dict[str, str], says: str) -> None:
    """What a cluster takes only when it is made, and what would delete machines, is refused."""
    with pytest.raises(McciError, match=says):
        objects.differences(as_rancher_has_it(wanted()), wanted(**change))


AGENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: cattle-cluster-agent, namespace: cattle-system}
spec: {template: {spec: {containers: [{env: [{name: CATTLE_SERVER, value: "https://rancher.example/"}]}]}}}
"""


def test_manifest() -> None:
    """Namespaces come first and what runs last, and nothing is lost on the way."""
    text = f"""{AGENT}---
---
apiVersion: v1
kind: Service
metadata: {{name: s}}
---
apiVersion: v1
kind: Namespace
metadata: {{name: cattle-system}}
"""
    found = manifest.read(text)
    assert [(kind.kind, body["metadata"]["name"]) for kind, body in found] == [
        ("Namespace", "cattle-system"), ("Service", "s"), ("Deployment", "cattle-cluster-agent"),
    ]  # fmt: skip
    assert found[1][1]["metadata"]["namespace"] == "default"
    assert (found[0][0], found[2][0]) == (NAMESPACE, DEPLOYMENT)
    assert manifest.registered_at(found[2][1]) == "https://rancher.example"
    assert manifest.registered_at(None) == manifest.registered_at({"spec": {}}) == ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no Deployment cattle-cluster-agent"),
        ("<html>Sign in</html>", "no Kubernetes object"),
        ("a: [", "not YAML"),
        ("- 1\n- 2", "no Kubernetes object"),
        ("{kind: Secret, apiVersion: v1, metadata: {}}", "no Kubernetes object"),
        (
            f"{AGENT}---\n{{kind: Pod, apiVersion: v1, metadata: {{name: x}}}}",
            r"a Pod \(v1\), which mcci does not know",
        ),
        ("{kind: Namespace, apiVersion: v1, metadata: {name: x}}", "no registration"),
    ],
)
def test_no_manifest(text: str, says: str) -> None:
    """What is not Rancher's registration is refused whole, before any of it is applied."""
    with pytest.raises(Refused, match=says):
        manifest.read(text)


def test_script() -> None:
    """The script that registers a node hands its roles on; without a command there is none."""
    text = script("one", "register.sh", "curl -fL https://r/install.sh |  sh -s - --token abc ")
    assert text.splitlines()[-1] == 'curl -fL https://r/install.sh | sh -s - --token abc "$@"'
    with pytest.raises(McciError, match="no command"):
        script("one", "register.sh", " ")
