"""Rules for how new versions take over: the canary's steps and its judge."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from mcci.config.model import Gate
from mcci.config.rules import problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcci.config.keys import Marks
    from mcci.config.model import Config
    from mcci.findings import Finding


def steps(config: Config) -> Iterator[Finding]:
    """Weights rise from step to step, and end at 100."""
    if not config.canary.steps:
        yield problem("steps", "there is no canary step.", config.canary.marks.of("steps"))
    yield from _rising(config.canary.steps, config.canary.marks)
    for service in config.services.values():
        yield from _rising(service.canary.steps, service.canary.marks)


def _rising(weights: tuple[int, ...], marks: Marks) -> Iterator[Finding]:
    text = ", ".join(str(weight) for weight in weights)
    for number, (first, second) in enumerate(pairwise(weights), start=1):
        if second <= first:
            message = f"canary weights must rise from step to step: {second} follows {first}."
            yield problem("steps", message, marks.item("steps", number))
            return
    if weights and weights[-1] != 100:
        message = f"the last canary weight must be 100: {text}."
        yield problem("steps", message, marks.item("steps", len(weights) - 1))


def judge(config: Config) -> Iterator[Finding]:
    """Canaries that go on by themselves can be judged wherever they run."""
    if not any(_is_automatic(config, name) for name in config.services):
        return
    for environment in config.environments.values():
        for name in environment.all_clusters if environment.is_production else ():
            if name in config.clusters and not config.clusters[name].prometheus:
                message = f"an automatic canary needs a judge, and the cluster {name} names no 'prometheus' to ask."
                help_ = "Give its URL, or let people press the steps (gate: manual)."
                yield problem("judge", message, config.marks.item("clusters", name), help_)


def _is_automatic(config: Config, service: str) -> bool:
    canary = config.canary_of(config.services[service])
    return canary is not None and canary.gate is Gate.AUTOMATIC
