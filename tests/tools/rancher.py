"""A FAKE of Rancher, for tests: the few calls that mcci makes, as Rancher's sources and documents have them.

It is no Rancher: an API server of the lab serves Rancher's kinds, and a thread does to them what Rancher's controllers
would. A cluster that was imported becomes active when the agent that this fake handed out is applied to it; one that
is to be made becomes active once its machines are "there": at once, or when a test lets `node` register.

Sources: https://github.com/rancher/rancher: pkg/apis/provisioning.cattle.io/v1/cluster_types.go,
pkg/controllers/provisioningv2/cluster/controller.go, pkg/controllers/management/clusterregistrationtoken
"""

from __future__ import annotations

import base64
import json
import ssl
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import yaml

from mcci.lab.clusters.access.users import ADMIN, User
from mcci.lab.clusters.catalog import Catalog
from mcci.lab.clusters.cluster import Cluster
from mcci.lab.clusters.resources import NAMESPACES, ROLE_BINDINGS, ROLES, SECRETS, Resource
from mcci.lab.clusters.status import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.tools.lab import LabCluster

Object = dict[str, Any]
WORKSPACE = "fleet-default"
USER = "user-x7v2k"
TICK = 0.02  # seconds between two looks of the controllers
SLOW = 0.5  # seconds until a user owns what he has made
_KINDS = (
    ("provisioning.cattle.io", "v1", "Cluster", "clusters", "Namespaced"),
    ("management.cattle.io", "v3", "Cluster", "clusters", "Cluster"),
    ("management.cattle.io", "v3", "ClusterRegistrationToken", "clusterregistrationtokens", "Namespaced"),
    ("management.cattle.io", "v3", "Setting", "settings", "Cluster"),
    ("rke-machine-config.cattle.io", "v1", "Amazonec2Config", "amazonec2configs", "Namespaced"),
)
DEPLOYMENTS = Resource(group="apps", kind="Deployment", plural="deployments")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An answer in the place of Rancher's own, to requests whose "METHOD /path" holds `match`; so many times."""

    match: str
    code: int
    body: bytes = b"upstream connect error"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class FakeRancher:
    """The fake, which runs. `requests` are "METHOD /path", `writes` those of them that change something."""

    cluster: Cluster
    downstream: dict[str, LabCluster]  # by the cluster's name in Rancher: what its agent, or its machines, would be
    requests: list[str] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    secret_tokens: bool = True  # as newer Ranchers: the token is in a Secret, and `{token}` stands for it
    kubeconfig_tokens: bool = True  # the setting `kubeconfig-generate-token`
    stuck: dict[str, str] = field(default_factory=dict)  # clusters that never become active, and what they say
    registered: set[str] = field(default_factory=set)  # clusters without pools, one of whose nodes has registered
    manifest: Callable[[str], str] = lambda text: text  # what is done to the agent's objects before they are given out
    kubeconfigs: int = 0
    owner: bool = False  # clusters belong to the user who has made them, once they are taken up
    _stop: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Its `server-url`."""
        return self.cluster.url

    @property
    def authority(self) -> str:
        """The certificate of its authority (PEM)."""
        return (self.cluster.folder / "ca.crt").read_text()

    @property
    def writes(self) -> list[str]:
        """The requests that change something; questions about rights are none."""
        return [each for each in self.requests if not each.startswith("GET") and "selfsubject" not in each]

    def key(self, *verbs: str) -> str:
        """Return an API key: the administrator's, or of a user who may do these things with clusters.

        With `create` he is a Standard User: he owns the clusters that are made, a little after they are.
        """
        if not verbs:
            return self.cluster.tokens.issue(ADMIN)
        self._allow("user", WORKSPACE, "provisioning.cattle.io", ["clusters"], list(verbs))
        self.owner = "create" in verbs
        return self.cluster.tokens.issue(User(name=USER))

    def _allow(self, name: str, namespace: str, group: str, kinds: list[str], verbs: list[str], *names: str) -> None:
        rule = {"apiGroups": [group], "resources": kinds, "verbs": verbs, **({"resourceNames": names} if names else {})}
        whom = [{"kind": "User", "name": USER, "apiGroup": "rbac.authorization.k8s.io"}]
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
        place = {"name": name, "namespace": namespace}
        self.cluster.store.create(ROLES, {"metadata": place, "rules": [rule]})
        self.cluster.store.create(ROLE_BINDINGS, {"metadata": place, "subjects": whom, "roleRef": role})

    def _own(self, name: str, identity: str) -> None:
        """Make the user an owner of a cluster, as Rancher does (`crt-NAME-cluster-owner`)."""
        verbs = ["get", "list", "watch", "update"]
        self._allow(f"crt-{name}-cluster-owner", WORKSPACE, "provisioning.cattle.io", ["clusters"], verbs, name)
        self._allow("cluster-owner", identity, "management.cattle.io", ["clusterregistrationtokens"], verbs)
        self._allow("crt-token-reader", identity, "", ["secrets"], ["get"])

    def resource(self, group: str, version: str, plural: str) -> Resource:
        """Return one of Rancher's kinds."""
        found = Catalog(self.cluster.store).find(group, version, plural)
        assert found is not None
        return found

    @property
    def clusters(self) -> dict[str, Object]:
        """Its clusters, by name."""
        listed = self.cluster.store.list(self.resource("provisioning.cattle.io", "v1", "clusters"))
        return {each["metadata"]["name"]: each for each in listed}

    def known_as(self, url: str) -> None:
        """Set `server-url`, the address that its agents are given."""
        kind = self.resource("management.cattle.io", "v3", "settings")
        self.cluster.store.create(kind, {"metadata": {"name": "server-url"}, "value": url})
        self.manifest = lambda text: text.replace(self.url, url)

    def machine_config(self, name: str) -> None:
        """Make a machine configuration of AWS."""
        kind = self.resource("rke-machine-config.cattle.io", "v1", "amazonec2configs")
        self.cluster.store.create(
            kind, {"metadata": {"name": name, "namespace": WORKSPACE}, "instanceType": "t3.large"}
        )

    def credential(self, name: str) -> None:
        """Make a cloud credential."""
        self.cluster.store.create(SECRETS, {"metadata": {"name": name, "namespace": "cattle-global-data"}})

    # what Rancher's controllers do

    def control(self) -> None:
        """Bring every cluster on, until the fake ends."""
        while not self._stop.wait(TICK):
            for cluster in self.clusters.values():
                with suppress(ApiError):  # somebody else has changed it meanwhile: at the next look
                    self._advance(cluster)

    def _advance(self, cluster: Object) -> None:
        name, status = cluster["metadata"]["name"], cluster.get("status") or {}
        identity = status.get("clusterName") or f"c-m-{abs(hash(name)) % 10**8:08d}"
        if not status.get("clusterName"):
            self._registration(identity)
            if self.owner:
                threading.Timer(SLOW, self._own, (name, identity)).start()
        wanted = {
            "clusterName": identity, "observedGeneration": cluster["metadata"].get("generation", 1),
            "ready": status.get("ready", False), "conditions": self._conditions(name, identity, cluster),
        }  # fmt: skip
        wanted["ready"] = wanted["ready"] or all(each["status"] == "True" for each in wanted["conditions"])
        if wanted != status:
            self.cluster.store.update(
                self.resource("provisioning.cattle.io", "v1", "clusters"), {**cluster, "status": wanted}, status=True
            )

    def _registration(self, identity: str) -> None:
        store = self.cluster.store
        token = f"registration-secret-{identity}"
        shown = "{token}" if self.secret_tokens else token
        with suppress(ApiError):
            store.create(NAMESPACES, {"metadata": {"name": identity}})
        status = {
            "manifestUrl": f"{self.url}/v3/import/{shown}_{identity}.yaml",
            "nodeCommand": f"curl -fL {self.url}/install.sh | sudo  sh -s - --server {self.url} --token {shown}",
        }  # fmt: skip
        if self.secret_tokens:
            status["tokenSecretName"] = "crt-token-default-token"
            data = {"token": base64.b64encode(token.encode()).decode()}
            store.create(
                SECRETS, {"metadata": {"name": status["tokenSecretName"], "namespace": identity}, "data": data}
            )
        else:
            status["token"] = token
        kind = self.resource("management.cattle.io", "v3", "clusterregistrationtokens")
        body = {"metadata": {"name": "default-token", "namespace": identity}, "spec": {"clusterName": identity}}
        store.create(kind, {**body, "status": status})

    def _conditions(self, name: str, identity: str, cluster: Object) -> list[Object]:
        made = bool(cluster["spec"].get("rkeConfig"))
        if name in self.stuck:
            up, why = False, self.stuck[name]
        elif made:
            pools = cluster["spec"]["rkeConfig"].get("machinePools")
            up, why = bool(pools) or name in self.registered, "waiting for at least one control plane node"
        else:
            up, why = self._has_agent(name, identity), "Waiting for API to be available"
        types = ("Provisioned", "Updated", "Ready", "Connected") if made else ("Ready", "Connected")
        state = {"status": "True" if up else "Unknown", "message": "" if up else why}
        return [{"type": "Created", "status": "True"}, *({"type": each, **state} for each in types)]

    def _has_agent(self, name: str, identity: str) -> bool:
        lab = self.downstream.get(name)
        agent = lab.store.get(DEPLOYMENTS, "cattle-cluster-agent", "cattle-system") if lab else None
        secret = lab.store.get(SECRETS, "cattle-credentials", "cattle-system") if lab else None
        token = base64.b64decode(((secret or {}).get("data") or {}).get("token", "")).decode()
        return agent is not None and token == f"registration-secret-{identity}"

    # its calls beside the Kubernetes API

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request: by a fault, itself, or as the API server that it is made of."""
        if scope["type"] != "http":
            await self.cluster.api.asgi(scope, receive, send)
            return
        query = scope["query_string"].decode()
        said = f"{scope['method']} {scope['path']}{f'?{query}' if query else ''}"
        self.requests.append(said)
        authorization = dict(scope["headers"]).get(b"authorization", b"").decode()
        self.authorizations.append(authorization)
        fault = next((each for each in self.faults if each.match in said), None)
        if fault:
            self.faults.remove(fault)
            await _answer(send, fault.code, fault.body, dict(fault.headers))
        elif said.startswith("GET /v3/import/"):
            await _answer(send, *self._manifest(scope["path"].removeprefix("/v3/import/")))
        elif said.startswith("POST /v3/clusters/") and said.endswith("?action=generateKubeconfig"):
            await _answer(send, *self._kubeconfig(scope["path"].rpartition("/")[2], authorization))
        elif scope["path"].startswith("/k8s/clusters/"):
            await _answer(send, *self._through(scope["path"], authorization))
        else:
            await self.cluster.api.asgi(scope, receive, send)

    def _manifest(self, file: str) -> tuple[int, bytes]:
        token, _, identity = file.removesuffix(".yaml").partition("_")
        if token != f"registration-secret-{identity}":
            return 401, b"unknown token"
        container = {
            "name": "cluster-register", "image": "rancher/rancher-agent:v2.14.2",
            "env": [{"name": "CATTLE_SERVER", "value": self.url}],
        }  # fmt: skip
        labels = {"app": "cattle-cluster-agent"}
        documents: list[Object] = [
            {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "cattle-admin"},
             "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]},
            {"apiVersion": "apps/v1", "kind": "Deployment",
             "metadata": {"name": "cattle-cluster-agent", "namespace": "cattle-system"},
             "spec": {"selector": {"matchLabels": labels}, "template": {
                 "metadata": {"labels": labels}, "spec": {"serviceAccountName": "cattle", "containers": [container]}}}},
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "cattle-system"}},
            {"apiVersion": "v1", "kind": "ServiceAccount",
             "metadata": {"name": "cattle", "namespace": "cattle-system"}},
            {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
             "metadata": {"name": "cattle-admin-binding"},
             "subjects": [{"kind": "ServiceAccount", "name": "cattle", "namespace": "cattle-system"}],
             "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cattle-admin"}},
            {"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
             "metadata": {"name": "cattle-credentials", "namespace": "cattle-system"},
             "data": {"token": base64.b64encode(token.encode()).decode()}},
        ]  # fmt: skip
        return 200, self.manifest("---\n" + yaml.safe_dump_all(documents)).encode()

    def _kubeconfig(self, identity: str, authorization: str) -> tuple[int, bytes]:
        if self.cluster.tokens.user(authorization) is None:
            return 401, b'{"type": "error", "status": "401", "message": "must authenticate"}'
        self.kubeconfigs += 1
        user: Object = {"token": f"kubeconfig-user-{self.kubeconfigs}"}
        if not self.kubeconfig_tokens:
            user = {
                "exec": {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "rancher", "args": ["token"]}
            }
        document = {
            "apiVersion": "v1", "kind": "Config", "current-context": "in-rancher",
            "clusters": [{"name": "in-rancher", "cluster": {"server": f"{self.url}/k8s/clusters/{identity}"}}],
            "users": [{"name": "in-rancher", "user": user}],
            "contexts": [{"name": "in-rancher", "context": {"cluster": "in-rancher", "user": "in-rancher"}}],
        }  # fmt: skip
        return 200, json.dumps({"type": "generateKubeconfigOutput", "config": yaml.safe_dump(document)}).encode()

    def _through(self, path: str, authorization: str) -> tuple[int, bytes]:
        """Pass a request on to the cluster, as Rancher's tunnel does; the kubeconfigs' tokens alone are taken."""
        identity, _, rest = path.removeprefix("/k8s/clusters/").partition("/")
        if not authorization.startswith("Bearer kubeconfig-user-"):
            return 401, b"{}"
        name = next((name for name, each in self.clusters.items() if each["status"]["clusterName"] == identity), "")
        if name not in self.downstream:
            return 503, b"cluster not found"
        lab = self.downstream[name]
        trust = ssl.create_default_context(cafile=str(lab.cluster.folder / "ca.crt"))
        headers = {"Authorization": f"Bearer {lab.cluster.tokens.issue(ADMIN)}"}
        found = httpx.get(f"{lab.url}/{rest}", headers=headers, verify=trust)
        return found.status_code, found.content

    def end(self) -> None:
        """Stop the controllers."""
        self._stop.set()


async def _answer(send: Any, code: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
    listed = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    await send({"type": "http.response.start", "status": code, "headers": listed})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def fake_rancher(folder: Path, downstream: Mapping[str, LabCluster]) -> Iterator[FakeRancher]:
    """Run the fake, its state in `folder`; `downstream` are the clusters that it is to find, by their names in it."""
    definitions = folder / "definitions"
    definitions.mkdir(parents=True)
    for kind in _KINDS:
        (definitions / f"{kind[3]}.{kind[0]}.yaml").write_text(yaml.safe_dump(_definition(*kind)))
    cluster = Cluster("rancher", folder / "state", definitions=definitions)
    found = FakeRancher(cluster, dict(downstream))
    cluster._server.config.app = found
    with cluster:
        for namespace in (WORKSPACE, "cattle-global-data"):
            cluster.store.create(NAMESPACES, {"metadata": {"name": namespace}})
        thread = threading.Thread(target=found.control, name="fake rancher")
        thread.start()
        try:
            yield found
        finally:
            found.end()
            thread.join()


def _definition(group: str, version: str, kind: str, plural: str, scope: str) -> Object:
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    subresources: Object = {"subresources": {"status": {}}} if group == "provisioning.cattle.io" else {}
    served = {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": anything}, **subresources}
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group, "scope": scope, "versions": [served],
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
        },
    }  # fmt: skip
