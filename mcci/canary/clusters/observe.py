"""Waits until the proxies route by new weights: by what they say where they can be asked, else by the requests."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Protocol

from mcci.canary import judge, traffic
from mcci.canary.guards import OnHold
from mcci.canary.versions import VERSION
from mcci.clients import envoy
from mcci.errors import McciError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcci.canary.clusters.site import Clock
    from mcci.canary.judge import Metrics
    from mcci.canary.state import State
    from mcci.config.canary import Analysis

PROXIES = 60.0  # seconds until every proxy must have new weights
TRAFFIC = 45.0  # seconds that are given to requests to be seen: scrapes come every 15 s or so
PAUSE = 0.2
ENOUGH = 30  # requests that tell a share
SIGMAS = 4.0


class Observer(Protocol):
    """Tells whether weights are in effect."""

    @property
    def name(self) -> str:
        """What is asked."""

    @property
    def patience(self) -> float:
        """Seconds until no answer is an answer."""

    @property
    def certain(self) -> bool:
        """Whether a no counts; else it may only mean that nothing was seen yet."""

    def has(self, state: State, now: float) -> bool:
        """Whether the state's weights are in effect at `now` (Unix seconds). Raises `McciError` when it cannot say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """An Envoy whose administration can be reached."""

    url: str
    namespace: str
    patience: float = PROXIES
    certain: bool = True

    @property
    def name(self) -> str:
        return f"the proxy at {self.url}"

    def has(self, state: State, now: float) -> bool:
        wanted = {version: weight for version, weight in state.weights.items() if weight}
        mine = [split for each in envoy.splits(self.url) if (split := _versions(each, state.service, self.namespace))]
        if not mine:
            raise envoy.ProxyFailed(f"{self.name} has no route to a version of {state.service}")
        other = [split for split in mine if len(split) > 1 and not traffic.same(split, wanted)]
        return wanted in mine and not other


def _versions(split: Mapping[str, int], service: str, namespace: str) -> dict[str, int]:
    """Return a split by version, in percent; empty where it is of another service, or has no versions."""
    total = sum(split.values()) or 1
    found: dict[str, int] = {}
    for name, weight in split.items():
        parts = name.split("|")
        if len(parts) != 4 or not VERSION.fullmatch(parts[2]):
            return {}
        if parts[3] != service and not parts[3].startswith(f"{service}.{namespace}"):
            return {}
        found[parts[2]] = found.get(parts[2], 0) + round(100 * weight / total)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Where requests went since the weights were moved, as Prometheus counted them."""

    metrics: Mapping[str, Metrics]
    namespace: str
    analysis: Analysis
    patience: float = TRAFFIC
    certain: bool = False

    @property
    def name(self) -> str:
        return "the observed traffic"

    def has(self, state: State, now: float) -> bool:
        away = state.canary or state.previous
        target = judge.Target(service=state.service, namespace=self.namespace, canary=away, stable=state.stable)
        since = judge.State.start(at=state.since.timestamp())
        looks = judge.observe(self.metrics, target, since, self.analysis, now=now).looks
        canary = sum(look.canary.requests for look in looks)
        total = canary + sum(look.stable.requests for look in looks)
        share = state.weights.get(away, 0) / 100
        return total >= ENOUGH and abs(canary / total - share) <= SIGMAS * sqrt(share * (1 - share) / total) + 1 / total


def wait(observers: Sequence[Observer], state: State, clock: Clock) -> tuple[str, ...]:
    """Wait until every observer has seen the state's weights, and return lines that say so, with the seconds.

    Raises `OnHold` where a proxy that can be asked has not taken them in time.
    """
    lines = []
    for observer in observers:
        begun = clock.elapsed()
        why = ""
        while True:
            try:
                if observer.has(state, clock.now().timestamp()):
                    lines.append(f"{observer.name} has the weights after {clock.elapsed() - begun:.1f} s")
                    break
                why = ""
            except McciError as error:
                why = f": {error}"
            if clock.elapsed() - begun >= observer.patience:
                text = f"{observer.name} does not show the weights after {observer.patience:.0f} s{why}"
                if observer.certain and not why:
                    raise OnHold(f"the weights are written, but {text}. Is the control plane well? Run this again.")
                lines.append(text)
                break
            clock.sleep(PAUSE if observer.certain else 5.0)
    return tuple(lines)
