"""Objects that the contract's tests make."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]
FAKE = "lab.mcci.io/fake"
IMAGE = f"registry.example.com/fleet/web@sha256:{'ab' * 32}"
OTHER_IMAGE = f"registry.example.com/fleet/web@sha256:{'cd' * 32}"


def config_map(name: str, data: dict[str, str] | None = None, **metadata: Any) -> Object:
    """Return a ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}, "data": data or {}}


def deployment(name: str, *, replicas: int = 2, fake: str = "", **spec: Any) -> Object:
    """Return a Deployment of fake pods; `fake` is what their annotation says."""
    container = {
        "name": "main", "image": IMAGE, "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 1},
    }  # fmt: skip
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": labels},
            "template": {"metadata": template_metadata(labels, fake), "spec": {"containers": [container]}}, **spec,
        },
    }  # fmt: skip


def job(name: str, *, fake: str = "", **spec: Any) -> Object:
    """Return a Job of one fake pod."""
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": IMAGE}]}
    template = {"metadata": template_metadata({}, fake), "spec": pod}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {"template": template, **spec}}


def pod(name: str, *, fake: str = "", **spec: Any) -> Object:
    """Return a Pod."""
    metadata = {"name": name, **template_metadata({"app": name}, fake)}
    containers = [{"name": "main", "image": IMAGE}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": containers, **spec}}


def service(name: str, app: str) -> Object:
    """Return a Service for the pods of an app."""
    port = {"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}
    spec = {"selector": {"app": app}, "ports": [port]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def template_metadata(labels: dict[str, str], fake: str) -> Object:
    """Return a pod template's metadata."""
    return {"labels": labels, **({"annotations": {FAKE: fake}} if fake else {})}


def condition(body: Object, kind: str) -> Object:
    """Return a condition of an object's status; empty where there is none."""
    found = (each for each in body.get("status", {}).get("conditions") or () if each["type"] == kind)
    return next(found, {})
