"""A request across clusters: from a pod of one, with a proxy, to a service that only others have."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcci.clients.kubernetes.api import POD
from mcci.errors import McciError
from mcci.mesh.verify.model import Result, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcci.clients.kubernetes.api import ClusterApi, Object
    from mcci.config.model import Config, Environment

CONTAINER = "request"
SECONDS = 60.0  # for a pod: pulling its image, starting, asking
CURL = 15  # seconds for the request itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """From a cluster to a URL."""

    cluster: str
    url: str


def derived(config: Config, environment: Environment, clusters: tuple[str, ...]) -> tuple[Request, ...]:
    """Return one request from each cluster to the first service that only other clusters run, where there is one."""
    found = []
    for cluster in clusters:
        for service in config.services.values():
            if service.runs_on(cluster) or not any(service.runs_on(each) for each in clusters) or not service.ports:
                continue
            name, port = next(iter(service.ports.items()))
            if name.split("-")[0] not in ("http", "http2"):
                continue
            host = f"{service.name}.{config.namespace_of(environment)}.svc.cluster.local"
            found.append(Request(cluster=cluster, url=f"http://{host}:{port}{service.health.live}"))
            break
    return tuple(found)


def pod(request: Request, namespace: str, image: str) -> Object:
    """Return the pod that asks once and ends. Its own container's end counts: a proxy may outlive it."""
    command = ["curl", "--silent", "--show-error", "--fail", "--output", "/dev/null", "--write-out", "%{http_code}"]
    command += ["--retry", "5", "--retry-connrefused", "--max-time", str(CURL), request.url]
    labels = {"app.kubernetes.io/managed-by": "mcci", "app.kubernetes.io/component": "mesh-verify"}
    security = {
        "allowPrivilegeEscalation": False, "runAsNonRoot": True, "runAsUser": 65532,
        "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"},
    }  # fmt: skip
    return {
        "metadata": {"name": f"mcci-mesh-verify-{uuid.uuid4().hex[:8]}", "namespace": namespace, "labels": labels},
        "spec": {
            "restartPolicy": "Never", "automountServiceAccountToken": False, "activeDeadlineSeconds": int(SECONDS),
            "containers": [
                {"name": CONTAINER, "image": image, "command": command, "securityContext": security}
            ],
        },
    }  # fmt: skip


def send(api: ClusterApi, request: Request, namespace: str, image: str) -> Result:
    """Send a request, and remove the pod whatever becomes of it."""
    body = pod(request, namespace, image)
    name = body["metadata"]["name"]
    try:
        api.create(POD, body)
    except McciError as error:
        return _result(request, Status.UNCHECKED, f"the pod could not be made: {error}")
    try:
        return _judge(request, _ended(api, name, namespace), api.logs(name, namespace, container=CONTAINER, lines=5))
    except McciError as error:
        return _result(request, Status.UNCHECKED, f"its pod could not be followed: {error}")
    finally:
        _remove(api, name, namespace)


def _ended(api: ClusterApi, name: str, namespace: str) -> Any:
    """Return the state in which the container ended; None where it did not in time."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        for change in api.watch(POD, namespace, fields=f"metadata.name={name}", seconds=end - time.monotonic()):
            for state in _states(change.object):
                return state
        time.sleep(0.2)
    return None


def _states(found: Object) -> Iterator[Any]:
    for each in (found.get("status") or {}).get("containerStatuses") or []:
        if each.get("name") == CONTAINER and (each.get("state") or {}).get("terminated"):
            yield each["state"]["terminated"]


def _judge(request: Request, state: Any, log: str) -> Result:
    if state is None:
        return _result(request, Status.FAILED, f"no answer within {SECONDS:.0f} s, or its pod did not start")
    if state.get("exitCode") == 0:
        code = log.strip()[-3:]
        return _result(request, Status.OK, f"{request.url} answers{f' {code}' if code.isdecimal() else ''}")
    said = " ".join(log.split())[-200:] or str(state.get("reason") or "")
    return _result(request, Status.FAILED, f"{request.url}: curl ended with {state.get('exitCode')}: {said}")


def _remove(api: ClusterApi, name: str, namespace: str) -> None:
    try:
        api.delete(POD, name, namespace)
    except McciError:
        return  # it ends by itself, and says whose it is


def _result(request: Request, status: Status, found: str) -> Result:
    return Result(cluster=request.cluster, check="request", status=status, found=found)
