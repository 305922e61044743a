"""What must hold of a service on a cluster after a deploy, told from what is there; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.clients.helm import storage
from mcci.delivery.deploy import rollout
from mcci.delivery.image_tests.junit import Case, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mcci.clients.kubernetes.api import Object
    from mcci.clients.registry.reference import Reference
    from mcci.delivery.deploy.live import Live
    from mcci.delivery.deploy.record import Record


def passed(name: str) -> Case:
    """A check that holds."""
    return Case(name=name, outcome=Outcome.PASSED)


def failed(name: str, why: str) -> Case:
    """A check that does not."""
    return Case(name=name, outcome=Outcome.FAILED, message=why)


def decided(name: str, why: str) -> Case:
    """A check that holds where `why` is empty."""
    return failed(name, why) if why else passed(name)


def recorded(record: Record | None, service: str, image: Reference) -> Case:
    """The environment has recorded this image as the one deployed last."""
    found = record.now.images.get(service) if record else None
    why = ""
    if found is None:
        why = "no deploy of it has come to a good end here"
    elif found.image.digest != image.digest:
        why = f"recorded is {found.image.digest}, the release has {image.digest}"
    return decided("the release is recorded", why)


def releases(live: Live, service: str) -> list[Case]:
    """Every Helm release of the service is in effect."""
    own = {each.name for each in live.running(service)} | {f"{service}-traffic"}
    return [
        decided(
            f"helm release {name}",
            "" if found.status == storage.DEPLOYED else f"revision {found.revision} is {found.status}",
        )
        for name, found in live.releases.items()
        if name in own
    ]


def rollouts(live: Live, service: str, pods: Sequence[Object], image: Reference) -> list[Case]:
    """Every version is rolled out, its pods ready on its digest; and one of them is the digest wanted."""
    cases: list[Case] = []
    running = [each for each in live.running(service) if each.version]
    for each in running:
        name = f"{service}-{each.version}"
        deployment = live.deployments.get(name)
        wanted = f"{image.name}@{each.digest}"
        own = [pod for pod in pods if _is_of(pod, service, each.version)]
        progress = rollout.judge(deployment, own, wanted)
        reason = progress.failure.reason if progress.failure else progress.waits
        cases.append(decided(f"rollout of {name}", reason))
        cases.append(decided(f"pods of {name} on {each.digest[:19]}", _pods(own, wanted, progress.wanted)))
    if running and image.digest not in {each.digest for each in running}:
        have = ", ".join(each.digest[:19] for each in running)
        cases.append(failed(f"{image.digest[:19]} runs", f"the cluster runs {have}"))
    return cases


def _pods(pods: Iterable[Object], image: str, wanted: int) -> str:
    """Return why the pods are not all ready on `image`; empty where they are."""
    alive = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
    other = [pod["metadata"]["name"] for pod in alive if not rollout.runs(pod, image)]
    unready = [pod["metadata"]["name"] for pod in alive if not rollout.is_ready(pod)]
    if other:
        return f"{', '.join(other)} run another image"
    if unready:
        return f"{', '.join(unready)} are not ready"
    return f"{len(alive)} of {wanted} pods are there" if len(alive) < wanted else ""


def _is_of(pod: Object, service: str, version: str) -> bool:
    labels = pod["metadata"].get("labels") or {}
    return labels.get("app") == service and labels.get("version") == version
