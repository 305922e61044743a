"""Rules for the services: their folders, images, ports, clusters and what they depend on."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from mcci.config.rules import known_clusters, outside, problem, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcci.config.model import Config
    from mcci.findings import Finding


def some(config: Config) -> Iterator[Finding]:
    """There is a service."""
    if not config.services:
        help_ = "'mcci init' finds those of this repository."
        yield problem("empty", "there is no service.", config.marks.of("services"), help_)


def paths(config: Config) -> Iterator[Finding]:
    """A service's files lie in the repository."""
    for service in config.services.values():
        folder = list(outside(service.path or service.name, service.marks.of("path")))
        yield from folder
        yield from outside(service.context, service.marks.of("context"))
        if not folder:
            yield from outside(f"{service.folder}/{service.dockerfile}", service.marks.of("dockerfile"))


def images(config: Config) -> Iterator[Finding]:
    """No two services push the same image."""
    seen: dict[str, str] = {}
    for service in config.services.values():
        other = seen.setdefault(service.image_name, service.name)
        if other != service.name:
            message = f"{service.name} and {other} would push the same image '{service.image_name}'."
            yield problem("image", message, service.marks.of("image"), "Give each its own 'image'.")


def ports(config: Config) -> Iterator[Finding]:
    """A service listens somewhere, and no two of its ports have one number."""
    for service in config.services.values():
        if not service.ports:
            message = f"{service.name} has no port; its first one answers the health checks."
            yield problem("empty", message, service.marks.of("ports"))
        seen: dict[int, str] = {}
        for name, number in service.ports.items():
            other = seen.setdefault(number, name)
            if other != name:
                message = f"the ports '{other}' and '{name}' of {service.name} are both {number}."
                yield problem("port", message, service.marks.item("ports", name))


def clusters(config: Config) -> Iterator[Finding]:
    """Services run on clusters that exist."""
    for service in config.services.values():
        yield from known_clusters(config, service.clusters, service.marks, "clusters")
        yield from known_clusters(config, service.canary.clusters, service.canary.marks, "clusters")


def dependencies(config: Config) -> Iterator[Finding]:
    """Services depend on services that exist, or on folders, and never on themselves."""
    graph: dict[str, list[str]] = {}
    for service in config.services.values():
        graph[service.name] = []
        for number, name in enumerate(service.depends_on):
            position = service.marks.item("depends_on", number)
            if "/" in name:
                yield from outside(name, position)
            elif name not in config.services:
                yield unknown("service", name, config.services, position, f"A folder is written '{name}/'.")
            else:
                graph[service.name].append(name)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1][::-1]
        first = config.services[cycle[0]]
        position = first.marks.item("depends_on", first.depends_on.index(cycle[1]))
        yield problem("cycle", f"depends_on goes in a circle: {' → '.join(cycle)}.", position, "Remove one of these.")
