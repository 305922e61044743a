"""Checks of what the mesh serves: gateways, injection, the proxies' versions; pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mcci.mesh import perform, versions
from mcci.mesh.verify.model import Result, Status, View

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcci.clients.kubernetes.api import Object
    from mcci.mesh.plan import Plan
    from mcci.mesh.versions import Numbers

PROXY = "istio-proxy"
INJECTION, REVISION = "istio-injection", "istio.io/rev"


def gateway(view: View, plan: Plan) -> Iterator[Result]:
    """An east-west gateway is ready, and others know its address."""
    if not plan.has_gateway(view.member):
        return
    name = view.member.name
    advice = "Run `mcci mesh install`." if view.member.is_primary else "Run `mcci mesh join`."
    problem = perform.unready(view.gateway)
    if problem:
        yield _result(name, "east-west gateway", Status.FAILED, problem, advice)
    elif not view.found.gateway:
        advice = "Give `eastwest` of the cluster in mcci.yml, or ask why the load balancer has none."
        yield _result(name, "east-west gateway", Status.FAILED, "it has no address", advice)
    else:
        yield _result(name, "east-west gateway", Status.OK, f"ready, at {view.found.gateway}")


def injection(view: View) -> Iterator[Result]:
    """The application's namespaces have proxies injected."""
    for name, namespace in view.namespaces.items():
        check = f"namespace {name}"
        if namespace is None:
            found = "it is not there yet: nothing was deployed"
            yield _result(view.member.name, check, Status.UNCHECKED, found)
            continue
        labels = namespace["metadata"].get("labels") or {}
        if labels.get(INJECTION) == "enabled" or (labels.get(REVISION) and labels.get(INJECTION) != "disabled"):
            word = f"{INJECTION}=enabled" if labels.get(INJECTION) else f"{REVISION}={labels[REVISION]}"
            yield _result(view.member.name, check, Status.OK, word)
        else:
            advice = f"`kubectl label namespace {name} {INJECTION}=enabled`, and restart its pods."
            yield _result(view.member.name, check, Status.FAILED, "no proxies are injected", advice)


def proxies(view: View, control: Numbers | None) -> Iterator[Result]:
    """The application's pods have proxies, of versions that the control plane serves."""
    running = [pod for pod in view.pods if not pod["metadata"].get("deletionTimestamp") and _is_up(pod)]
    wanting = [each for each in running if each["metadata"].get("namespace") in view.namespaces and not images(each)]
    wanting = [each for each in wanting if not _refuses(each)]
    name = view.member.name
    if wanting:
        some = ", ".join(each["metadata"]["name"] for each in wanting[:3])
        more = f" and {len(wanting) - 3} more" if len(wanting) > 3 else ""
        advice = "Restart them: a proxy is injected when a pod is made."
        yield _result(name, "proxies", Status.FAILED, f"pods without one: {some}{more}", advice)
    found = Counter(versions.of_image(image) for pod in running for image in images(pod))
    if not found:
        yield _result(name, "proxies", Status.UNCHECKED, "no pod with a proxy runs")
        return
    words = ", ".join(f"{count} of {version or 'an unknown version'}" for version, count in found.items())
    problems = [
        text for version in found if version and control and (text := versions.proxy_problem(version, control))
    ]  # fmt: skip
    if problems:
        yield _result(name, "proxies", Status.FAILED, "; ".join(problems), "Restart the pods after the upgrade.")
    elif not wanting:
        yield _result(name, "proxies", Status.OK, words)


def images(pod: Object) -> tuple[str, ...]:
    """Return the images of a pod's proxies: a container, or an init container that stays (a native sidecar)."""
    spec = pod.get("spec") or {}
    every = [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]
    return tuple(str(each.get("image") or "") for each in every if each.get("name") == PROXY)


def _refuses(pod: Object) -> bool:
    metadata = pod["metadata"]
    said = [(metadata.get(each) or {}).get("sidecar.istio.io/inject") for each in ("labels", "annotations")]
    return "false" in said or bool((pod.get("spec") or {}).get("hostNetwork"))


def _is_up(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Running", "Pending")


def _result(cluster: str, check: str, status: Status, found: str, advice: str = "") -> Result:
    return Result(cluster=cluster, check=check, status=status, found=found, advice=advice)
