"""Where a version's rollout stands, told from its Deployment and its pods; pure.

The rules for done are those of `kubectl rollout status`. What a pod will not recover from by waiting counts as failed
at once: the time until a deadline would only be lost.

Source: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mcci.clients.kubernetes.api import Object

# reasons for which a container waits, and that waiting does not mend
HOPELESS = frozenset({
    "CrashLoopBackOff", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError",
    "CreateContainerError", "RunContainerError", "RegistryUnavailable", "ImageInspectError",
    "SignatureValidationFailed",
})  # fmt: skip
RESTARTS = 3  # of a container that ends each time before the kubelet calls it a loop


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What failed, and where: `pod` and `container` are empty where it is the Deployment itself."""

    reason: str
    pod: str = ""
    container: str = ""
    restarted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a rollout is. `waits` says in a few words what for; empty when it is done."""

    ready: int
    wanted: int
    waits: str
    failure: Failure | None = None

    @property
    def done(self) -> bool:
        """Whether every pod wanted is ready on the new template."""
        return not self.waits and self.failure is None


def judge(deployment: Object | None, pods: Iterable[Object], image: str) -> Progress:
    """Return how far the rollout of `image` is; of `pods` only those that run it count."""
    if deployment is None:
        return Progress(ready=0, wanted=0, waits="there is no Deployment yet")
    spec, status = deployment.get("spec") or {}, deployment.get("status") or {}
    wanted = 1 if spec.get("replicas") is None else int(spec["replicas"])
    new = [pod for pod in pods if runs(pod, image) and not pod["metadata"].get("deletionTimestamp")]
    ready = sum(is_ready(pod) for pod in new)
    waits = _waits(deployment, status, wanted, image)
    failure = None
    if waits:
        failure = next(_broken_pods(new), None) or _broken_deployment(deployment, status)
    return Progress(ready=ready, wanted=wanted, waits=waits, failure=failure)


def runs(pod: Object, image: str) -> bool:
    """Whether a pod was made to run `image`."""
    return any(each.get("image") == image for each in (pod.get("spec") or {}).get("containers") or [])


def has_image(deployment: Object, image: str) -> bool:
    """Whether a Deployment's pods are to run `image`."""
    template = ((deployment.get("spec") or {}).get("template") or {}).get("spec") or {}
    return any(each.get("image") == image for each in template.get("containers") or [])


def is_ready(pod: Object) -> bool:
    """Whether a pod is ready."""
    return any(each["type"] == "Ready" and each["status"] == "True" for each in _conditions(pod))


def _waits(deployment: Object, status: Mapping[str, Any], wanted: int, image: str) -> str:
    if not has_image(deployment, image):
        return "the Deployment does not have the new image yet"
    if int(status.get("observedGeneration") or 0) < int(deployment["metadata"].get("generation") or 0):
        return "the change is not observed yet"
    updated, available = int(status.get("updatedReplicas") or 0), int(status.get("availableReplicas") or 0)
    if updated < wanted:
        return f"{updated} of {wanted} pods are made"
    if int(status.get("replicas") or 0) > updated:
        return f"{int(status['replicas']) - updated} old pods still end"
    if available < updated:
        return f"{available} of {updated} pods are available"
    return ""


def _broken_deployment(deployment: Object, status: Mapping[str, Any]) -> Failure | None:
    if int(status.get("observedGeneration") or 0) < int(deployment["metadata"].get("generation") or 0):
        return None  # conditions of the rollout before
    for each in _conditions(deployment):
        if each["type"] == "Progressing" and each.get("reason") == "ProgressDeadlineExceeded":
            return Failure(reason=f"no progress in time: {each.get('message', '')}".rstrip(": "))
        if each["type"] == "ReplicaFailure" and each["status"] == "True":
            return Failure(reason=f"pods cannot be made: {each.get('message') or each.get('reason')}")
    return None


def _broken_pods(pods: Iterable[Object]) -> Iterator[Failure]:
    for pod in pods:
        status, name = pod.get("status") or {}, pod["metadata"]["name"]
        if status.get("phase") == "Failed":
            yield Failure(reason=f"the pod failed: {status.get('message') or status.get('reason') or ''}", pod=name)
        for each in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
            if why := _hopeless(each):
                restarts = int(each.get("restartCount") or 0)
                yield Failure(reason=why, pod=name, container=str(each.get("name", "")), restarted=restarts > 0)


def _hopeless(container: Mapping[str, Any]) -> str:
    state = container.get("state") or {}
    waiting = state.get("waiting") or {}
    if waiting.get("reason") in HOPELESS:
        message = waiting.get("message") or _ended(container.get("lastState") or {})
        return f"{waiting['reason']}: {message}".rstrip(": ")
    if int(container.get("restartCount") or 0) >= RESTARTS and not container.get("ready"):
        return f"restarted {container['restartCount']} times: {_ended(container.get('lastState') or {})}".rstrip(": ")
    return ""


def _ended(state: Mapping[str, Any]) -> str:
    found = state.get("terminated") or {}
    return f"{found.get('reason', 'ended')} with exit code {found.get('exitCode')}" if found else ""


def _conditions(found: Object) -> list[dict[str, Any]]:
    return list((found.get("status") or {}).get("conditions") or [])
