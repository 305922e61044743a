"""Situations for tests of the plan: a service of a production environment, seen from one cluster."""

from __future__ import annotations

from typing import Any

from mcci.canary.versions import version_of
from mcci.clients.registry.reference import Reference
from mcci.delivery.deploy.model import Parts, Running, ServicePlan, Situation, Track, Uninstall, Upgrade


def image(digit: str) -> Reference:
    """An image whose digest is that digit, repeated."""
    return Reference(host="registry.example.com", repository="fleet/web", digest=f"sha256:{digit * 64}")


OLD, V1, V2, V3 = (f"v{digit * 10}" for digit in "0123")


def seen(digit: str, *running: Running, **given: Any) -> Situation:
    """The service `web` that is to run the image of that digit."""
    own: dict[str, Any] = {"in_place": False, "subsets": tuple(given.get("weights", {}))} | given
    return Situation(service="web", image=image(digit), version=version_of(image(digit).digest), running=running, **own)


def everything(digit: str) -> Running:
    """The release of a first deploy: the service and that version."""
    return Running(name="web", parts=Parts.ALL, version=f"v{digit * 10}", digest=image(digit).digest)


def shared() -> Running:
    """The release of what versions share."""
    return Running(name="web", parts=Parts.SERVICE)


def beside(digit: str, track: Track = Track.STABLE) -> Running:
    """The release of one version."""
    version = f"v{digit * 10}"
    return Running(name=f"web-{version}", parts=Parts.VERSION, version=version, digest=image(digit).digest, track=track)


def words(plan: ServicePlan) -> list[str]:
    """The steps in one line each: release, what it owns or where traffic goes."""
    return [_words(step) for step in plan.steps]


def _words(step: Upgrade | Uninstall) -> str:
    if isinstance(step, Uninstall):
        return f"uninstall {step.release}"
    own = step.own
    if "parts" in own:
        return " ".join(filter(None, (step.release, own["parts"], own.get("version"), own.get("track"))))
    weights = ",".join(f"{each['subset']}={each['weight']}" for each in own["weights"])
    subsets = ",".join(each["name"] for each in own["subsets"])
    return f"{step.release} [{subsets}] {weights} testers={own['testers']['subset']}"
