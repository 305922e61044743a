"""Versions that may stand side by side in a mesh; pure.

Sources: https://istio.io/latest/docs/releases/supported-releases/ ,
https://istio.io/latest/docs/setup/upgrade/
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_NUMBERS = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?")


@dataclass(frozen=True, slots=True, order=True)
class Numbers:
    """A version, without what follows its three numbers."""

    major: int
    minor: int
    patch: int = 0

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    @property
    def short(self) -> str:
        """As people name a release: `1.28`."""
        return f"{self.major}.{self.minor}"


OLDEST = Numbers(1, 24)  # the first whose charts have the profile `remote`
# Istio's minor → the minors of Kubernetes: the oldest it was tested with, and the oldest and newest it supports
KUBERNETES = {
    24: (23, 28, 31), 25: (24, 29, 32), 26: (24, 29, 33), 27: (24, 29, 33), 28: (25, 30, 34), 29: (26, 31, 35),
    30: (27, 32, 36),
}  # fmt: skip


def parse(text: str) -> Numbers | None:
    """Return the version that a text begins with; None where there is none."""
    found = _NUMBERS.match(text.strip())
    return Numbers(int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


def of_image(image: str) -> Numbers | None:
    """Return the version that an image's tag tells; None for a digest alone, or another tag."""
    name = image.partition("@")[0].rpartition("/")[2]
    return parse(name.partition(":")[2])


def refusals(wanted: Numbers, kubernetes: Mapping[str, str], installed: Mapping[str, Numbers]) -> tuple[str, ...]:
    """Return why Istio `wanted` may not be installed: by cluster its Kubernetes and the control plane it has now."""
    found = []
    if wanted < OLDEST:
        found.append(f"Istio {wanted} is too old: its charts lack the profile 'remote'. Use {OLDEST.short} or newer.")
    known = KUBERNETES.get(min(wanted.minor, max(KUBERNETES)))  # of a newer Istio, what the newest known one needs
    oldest = known[0] if known else 0
    for cluster, text in kubernetes.items():
        has = parse(text)
        if has and has < Numbers(1, oldest):
            found.append(f"{cluster} runs Kubernetes {has.short}, and Istio {wanted.short} needs 1.{oldest} or newer.")
    for cluster, now in installed.items():
        if abs(wanted.minor - now.minor) > 1 or wanted.major != now.major:
            way = "up" if wanted > now else "down"
            found.append(
                f"{cluster} has Istio {now}, and {wanted} is more than one minor version {way}: go by one at a time."
            )
    return tuple(found)


def notes(wanted: Numbers, kubernetes: Mapping[str, str]) -> tuple[str, ...]:
    """Return what Istio's makers do not support, which refuses nothing."""
    if wanted.minor not in KUBERNETES:
        return (f"mcci does not know which versions of Kubernetes Istio {wanted.short} supports.",)
    _, oldest, newest = KUBERNETES[wanted.minor]
    found = {name: has for name, text in kubernetes.items() if (has := parse(text))}
    beside = [f"{name} has {has.short}" for name, has in found.items() if not oldest <= has.minor <= newest]
    said = f"Istio {wanted.short} supports Kubernetes 1.{oldest} to 1.{newest}: {', '.join(beside)}."
    return (said,) if beside else ()


def skew(control: Mapping[str, Numbers]) -> str:
    """Return why control planes of one mesh are too far apart; empty where they are not."""
    if not control:
        return ""
    lowest, highest = min(control, key=lambda each: control[each]), max(control, key=lambda each: control[each])
    if control[highest].minor - control[lowest].minor <= 1:
        return ""
    return (
        f"{lowest} has Istio {control[lowest]} and {highest} has {control[highest]}: more than one minor version apart."
    )


def proxy_problem(proxy: Numbers, control: Numbers) -> str:
    """Return why a control plane may not serve a proxy: a newer one, or one more than one minor version behind.

    Source: https://istio.io/latest/docs/releases/supported-releases/#control-planedata-plane-skew
    """
    if proxy.minor > control.minor:
        return f"proxies of {proxy} are newer than the control plane's {control}"
    if control.minor - proxy.minor > 1:
        return f"proxies of {proxy} are more than one minor version behind the control plane's {control}"
    return ""
