"""A helm in memory: it renders what the charts would, in short, and keeps releases as Helm does."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from mcci.clients.kubernetes.api import DEPLOYMENT, POD, SECRET, SERVICE, VIRTUAL_SERVICE, Kind, Object
from tests.unit.clusters.fake_api import FakeApi

NAMESPACE = "fleet"


@dataclass(slots=True)
class FakeHelm:
    """Works on the cluster of `api`. `fails` are errors by release; versions in `crashing` never get ready.

    What it installs of `unkept` it cannot mark as deployed, and ends well all the same, as Helm does.
    """

    api: FakeApi
    fails: dict[str, list[Exception]] = field(default_factory=dict)
    crashing: set[str] = field(default_factory=set)
    unkept: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    before: Callable[[str], None] = lambda _call: None
    stopped: bool = False
    charts: dict[str, str] = field(default_factory=dict)  # by release: the text of the chart it last came from

    def upgrade(
        self, release: str, chart: Path, values: Mapping[str, Any], namespace: str, *, description: str, timeout: float,
        checked_by_server: bool = False,
    ) -> None:  # fmt: skip
        self._begin(f"upgrade {release}")
        assert timeout > 0
        self.charts[release] = (chart / "values.yaml").read_text(encoding="utf-8")
        objects = render(chart.name, dict(values), namespace)
        old = self._newest(release, namespace)
        number = (json.loads(_unpack(old))["version"] if old else 0) + 1
        if self.fails.get(release):
            self._keep(release, number, "failed", chart.name, values, objects, namespace, description)
            raise self.fails[release].pop(0)
        kept = {(kind.plural, body["metadata"]["name"]) for kind, body in objects}
        for kind, body in _objects_of(old):
            if (kind.plural, body["metadata"]["name"]) not in kept:
                self._delete(kind, body, namespace)
        for kind, body in objects:
            self._put(kind, body)
        if old and old["metadata"]["labels"]["status"] == "deployed":
            self._relabel(old, "superseded")
        status = "pending-install" if release in self.unkept else "deployed"
        self._keep(release, number, status, chart.name, values, objects, namespace, description)

    def uninstall(self, release: str, namespace: str, *, timeout: float) -> None:
        self._begin(f"uninstall {release}")
        for secret in self.api.list(SECRET, namespace, labels=f"owner=helm,name={release}"):
            for kind, body in _objects_of(secret):
                self._delete(kind, body, namespace)
            self.api.state.objects.pop(("", "secrets", namespace, secret["metadata"]["name"]), None)

    def template(
        self, release: str, chart: Path, values: Mapping[str, Any], namespace: str, *,
        kube_version: str = "", api_versions: Sequence[str] = (),
    ) -> str:  # fmt: skip
        self.calls.append(f"template {release}")
        return yaml.safe_dump_all([body for _, body in render(chart.name, dict(values), namespace)])

    def stop(self) -> None:
        self.stopped = True

    def _begin(self, call: str) -> None:
        self.before(call)
        self.calls.append(call)

    def _put(self, kind: Kind, body: Object) -> None:
        if kind is VIRTUAL_SERVICE:  # Helm 3 and 4 alike: the values have the live weights, so they stand
            self.api.put(kind, body)
            return
        if kind is DEPLOYMENT:
            version = body["metadata"]["labels"]["version"]
            crashing = version in self.crashing or body["spec"]["template"]["spec"]["containers"][0]["image"][-1] == "f"
            old = self.api.peek(kind, body["metadata"]["name"], body["metadata"]["namespace"])
            generation = (old or {"metadata": {"generation": 0}})["metadata"]["generation"]
            count = body["spec"]["replicas"]
            available = 0 if crashing else count
            body = body | {
                "status": {
                    "observedGeneration": generation + 1, "replicas": count, "updatedReplicas": count,
                    "availableReplicas": available,
                }
            }  # fmt: skip
            self.api.put(kind, body)
            for number in range(count):
                self.api.put(POD, _pod(body, number, crashing=crashing))
            return
        self.api.put(kind, body)

    def _delete(self, kind: Kind, body: Object, namespace: str) -> None:
        self.api.state.objects.pop((kind.group, kind.plural, namespace, body["metadata"]["name"]), None)

    def _newest(self, release: str, namespace: str) -> Object | None:
        found = self.api.list(SECRET, namespace, labels=f"owner=helm,name={release}")
        return max(found, key=lambda each: int(each["metadata"]["labels"]["version"]), default=None)

    def _relabel(self, secret: Object, status: str) -> None:
        secret["metadata"]["labels"]["status"] = status
        self.api.put(SECRET, secret)

    def _keep(self, release: str, number: int, status: str, chart: str, values: Mapping[str, Any],
              objects: list[tuple[Kind, Object]], namespace: str, description: str) -> None:  # fmt: skip
        body = {
            "name": release,
            "version": number,
            "info": {"status": status, "description": description},
            "config": dict(values),
            "manifest": "".join(f"---\n{yaml.safe_dump(body)}" for _, body in objects),
            "chart": {"metadata": {"name": chart, "version": "1"}, "values": {"from": description}, "templates": []},
        }
        self.api.put(SECRET, stored(body, namespace, status))


def stored(body: Mapping[str, Any], namespace: str, status: str) -> Object:
    """The Secret in which Helm keeps a revision."""
    packed = base64.b64encode(gzip.compress(json.dumps(body).encode()))
    labels = {"owner": "helm", "name": body["name"], "status": status, "version": str(body["version"])}
    name = f"sh.helm.release.v1.{body['name']}.v{body['version']}"
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "type": "helm.sh/release.v1",
        "data": {"release": base64.b64encode(packed).decode()},
    }


def render(chart: str, values: dict[str, Any], namespace: str) -> list[tuple[Kind, Object]]:
    """The objects of a release, in short."""
    app = values["app"]
    if chart == "istio":
        return [(VIRTUAL_SERVICE, _virtual_service(app, values, namespace))]
    found: list[tuple[Kind, Object]] = []
    if values["parts"] in ("all", "service"):
        found.append((SERVICE, {"kind": "Service", "metadata": {"name": app, "namespace": namespace}, "spec": {}}))
    if values["parts"] in ("all", "version"):
        found.append((DEPLOYMENT, _deployment(app, values, namespace)))
    return found


def _deployment(app: str, values: dict[str, Any], namespace: str) -> Object:
    version, image = values["version"], values["image"]
    labels = {"app": app, "version": version}
    container = {"name": app, "image": f"{image['repository']}@{image['digest']}"}
    return {
        "kind": "Deployment",
        "metadata": {"name": f"{app}-{version}", "namespace": namespace, "labels": labels | {"track": values["track"]}},
        "spec": {
            "replicas": values.get("replicas", 2),
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def _pod(deployment: Object, number: int, *, crashing: bool) -> Object:
    metadata, template = deployment["metadata"], deployment["spec"]["template"]
    waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off restarting"}}
    container = {
        "name": template["spec"]["containers"][0]["name"],
        "ready": not crashing,
        "restartCount": 2 if crashing else 0,
        "state": waiting if crashing else {"running": {}},
    }
    status = {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": str(not crashing)}],
        "containerStatuses": [container],
    }
    return {
        "metadata": {
            "name": f"{metadata['name']}-{number}",
            "namespace": metadata["namespace"],
            "labels": template["metadata"]["labels"],
        },
        "spec": template["spec"],
        "status": status,
    }


def _virtual_service(app: str, values: dict[str, Any], namespace: str) -> Object:
    host = f"{app}.{namespace}.svc.cluster.local"
    split = [
        {"destination": {"host": host, "subset": each["subset"]}, "weight": each["weight"]}
        for each in values["weights"]
    ]
    route = {"name": "primary", "route": split or [{"destination": {"host": host}}]}
    return {
        "kind": "VirtualService",
        "metadata": {"name": app, "namespace": namespace},
        "spec": {"hosts": [host], "http": [route]},
    }


def _objects_of(secret: Object | None) -> list[tuple[Kind, Object]]:
    if secret is None:
        return []
    kinds = {each.kind: each for each in (SERVICE, DEPLOYMENT, VIRTUAL_SERVICE)}
    bodies = yaml.safe_load_all(json.loads(_unpack(secret))["manifest"])
    return [(kinds[body["kind"]], body) for body in bodies if body]


def _unpack(secret: Object) -> bytes:
    return gzip.decompress(base64.b64decode(base64.b64decode(secret["data"]["release"])))
