"""The rules of `mcci.yml` that look across keys. Each is a small function from the configuration to its findings."""

from __future__ import annotations

import ipaddress
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import TYPE_CHECKING

from mcci.config.keys import Version
from mcci.config.model import Config, Gate, Layout, SiteRole, Topology
from mcci.findings import Finding, Position

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from mcci.config.keys import Marks
    from mcci.config.model import Service

STAGES = ("compile", "build", "test", "push", "check", "release", "verify", "canary", "rollback")
OLDEST_GITLAB = Version(17, 0)


def validate(config: Config) -> list[Finding]:
    """Return what is wrong with `config` although each key alone is right."""
    return [finding for rule in _RULES for finding in rule(config)]


def _branches(config: Config) -> Iterator[Finding]:
    if config.layout is Layout.THREE_BRANCH:
        names = {name: getattr(config.branches, name) for name in ("default", "development", "deployment")}
        yield from _distinct(names, config.branches.marks, "branch")
    files = {name: getattr(config.files, name) for name in ("parent", "develop", "deploy")}
    yield from _distinct(files, config.files.marks, "file")
    for name, path in files.items():
        if _leaves_repository(path):
            yield _outside(path, config.files.marks.of(name))
        elif not path.endswith((".yml", ".yaml")):
            message = f"GitLab includes files that end in .yml or .yaml, and '{path}' does not."
            yield Finding(rule="config-value", message=message, position=config.files.marks.of(name))


def _gitlab(config: Config) -> Iterator[Finding]:
    if config.gitlab.version < OLDEST_GITLAB:
        yield Finding(
            rule="config-gitlab-version",
            message=f"GitLab {config.gitlab.version} is older than {OLDEST_GITLAB}, the oldest that mcci writes for.",
            position=config.gitlab.marks.of("version"),
        )


def _stages(config: Config) -> Iterator[Finding]:
    known = [*STAGES, *config.environments]
    for name in config.stages:
        if name not in known:
            yield _unknown("stage", name, known, config.marks.of("stages"))
    for name, environment in config.environments.items():
        if name in STAGES:
            message = f"an environment cannot be called '{name}': a stage of the pipelines has that name."
            yield Finding(rule="config-name", message=message, position=environment.marks.at)
    names = {name: config.stages.get(name, name) for name in known}
    yield from _distinct(names, config.marks, "stage", where="stages")


def _registry(config: Config) -> Iterator[Finding]:
    release = f"{config.registry.host}/{config.registry.namespace or config.application}"
    if f"{config.registry.candidates.rstrip('/')}/".startswith(f"{release}/"):
        yield Finding(
            rule="config-candidates",
            message=f"candidates would be pushed to the release registry ({release}), where only tested images belong.",
            position=config.registry.marks.of("candidates"),
            help="Name another registry or namespace.",
        )


def _services(config: Config) -> Iterator[Finding]:
    if not config.services:
        yield Finding(rule="config-empty", message="there is no service.", position=config.marks.of("services"))
    images: dict[str, str] = {}
    for service in config.services.values():
        for name, path in (("path", service.folder), ("context", service.build_context)):
            if _leaves_repository(path):
                yield _outside(path, service.marks.of(name))
        if _leaves_repository(f"{service.folder}/{service.dockerfile}"):
            yield _outside(f"{service.folder}/{service.dockerfile}", service.marks.of("dockerfile"))
        if not service.ports:
            message = f"{service.name} has no port; its first one answers the health checks."
            yield Finding(rule="config-empty", message=message, position=service.marks.of("ports"))
        if service.image_name in images:
            message = (
                f"{service.name} and {images[service.image_name]} would push the same image '{service.image_name}'."
            )
            yield Finding(rule="config-image", message=message, position=service.marks.of("image"))
        images[service.image_name] = service.name
        yield from _known_clusters(config, service.clusters, service.marks.of("clusters"))
        yield from _known_clusters(config, service.canary.clusters, service.canary.marks.of("clusters"))


def _dependencies(config: Config) -> Iterator[Finding]:
    graph: dict[str, list[str]] = {}
    for service in config.services.values():
        graph[service.name] = []
        for dependency in service.depends_on:
            if "/" in dependency:
                if _leaves_repository(dependency):
                    yield _outside(dependency, service.marks.of("depends_on"))
            elif dependency not in config.services:
                finding = _unknown("service", dependency, config.services, service.marks.of("depends_on"))
                help_ = f"{finding.help} A folder is written with a slash: '{dependency}/'.".strip()
                yield Finding(rule=finding.rule, message=finding.message, position=finding.position, help=help_)
            else:
                graph[service.name].append(dependency)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1][::-1]
        position = config.services[cycle[0]].marks.of("depends_on")
        yield Finding(
            rule="config-cycle", message=f"depends_on goes in a circle: {' → '.join(cycle)}.", position=position
        )


def _environments(config: Config) -> Iterator[Finding]:
    namespaces: dict[tuple[str, str], str] = {}
    for environment in config.environments.values():
        clusters, marks = environment.all_clusters, environment.marks
        if not clusters:
            message = f"the environment {environment.name} has no cluster."
            yield Finding(rule="config-empty", message=message, position=marks.at)
        if environment.clusters and environment.waves and set(environment.clusters) != set(clusters):
            message = f"clusters and waves of {environment.name} name different clusters."
            yield Finding(rule="config-waves", message=message, position=marks.of("waves"), help="Give one of the two.")
        if len(set(clusters)) != len(clusters):
            message = f"{environment.name} names a cluster twice."
            yield Finding(rule="config-waves", message=message, position=marks.at)
        yield from _known_clusters(config, clusters, marks.of("waves" if environment.waves else "clusters"))
        for cluster in clusters:
            place = (cluster, config.namespace_of(environment))
            other = namespaces.setdefault(place, environment.name)
            if other != environment.name:
                message = f"{other} and {environment.name} share the namespace '{place[1]}' on cluster {cluster}."
                yield Finding(
                    rule="config-namespace",
                    message=message,
                    position=marks.at,
                    help="Give one of them a namespace of its own.",
                )


def _clusters(config: Config) -> Iterator[Finding]:
    used = {cluster for environment in config.environments.values() for cluster in environment.all_clusters}
    for cluster in config.clusters.values():
        if cluster.name not in used:
            message = f"the cluster {cluster.name} is in no environment."
            yield Finding(
                rule="config-unused-cluster",
                message=message,
                position=cluster.marks.at,
                help="Add it to an environment's clusters, or remove it.",
            )
        ways = [way for way in ("kubeconfig", "agent", "oidc") if getattr(cluster, way)]
        if len(ways) > 1:
            message = f"the cluster {cluster.name} is reached by {' and '.join(ways)}; give one."
            yield Finding(rule="config-access", message=message, position=cluster.marks.of(ways[1]))


def _mesh(config: Config) -> Iterator[Finding]:
    marks = config.mesh.marks
    yield from _known_clusters(config, config.mesh.config_clusters, marks.of("config_clusters"))
    if config.mesh.topology is Topology.PRIMARY_REMOTE:
        for environment in config.environments.values():
            if len(config.config_clusters(environment)) > 1:
                message = f"a primary-remote mesh has one config cluster, and {environment.name} has more."
                yield Finding(rule="config-mesh", message=message, position=marks.of("config_clusters"))


def _canary(config: Config) -> Iterator[Finding]:
    yield from _steps(config.canary.steps, config.canary.marks.of("steps"))
    for service in config.services.values():
        if service.canary.steps:
            yield from _steps(service.canary.steps, service.canary.marks.of("steps"))
    automatic = [service for service in config.services.values() if _is_automatic(config, service)]
    for environment in config.environments.values():
        blind = [
            name
            for name in environment.all_clusters
            if name in config.clusters and not config.clusters[name].prometheus
        ]
        if environment.is_production and automatic and blind:
            message = f"an automatic canary needs a judge, and the cluster {blind[0]} names no prometheus to ask."
            yield Finding(
                rule="config-judge",
                message=message,
                position=config.clusters[blind[0]].marks.at,
                help="Give its URL, or let people press the steps (gate: manual).",
            )


def _network(config: Config) -> Iterator[Finding]:
    sites = config.network.sites
    authorities = [site.name for site in sites.values() if site.role is SiteRole.CA]
    if sites and len(authorities) != 1:
        message = f"one site must have the role 'ca'; here {len(authorities)} have it."
        yield Finding(rule="config-network", message=message, position=config.network.marks.of("sites"))
    for site in sites.values():
        for name, text in [("subnets", each) for each in site.subnets] + [
            ("pods", site.pods),
            ("services", site.services),
        ]:
            try:
                if text:
                    ipaddress.ip_network(text)
            except ValueError as error:
                yield Finding(rule="config-value", message=f"{error}.", position=site.marks.of(name))


def _is_automatic(config: Config, service: Service) -> bool:
    canary = config.canary_of(service)
    return canary is not None and canary.gate is Gate.AUTOMATIC


def _steps(steps: tuple[int, ...], position: Position) -> Iterator[Finding]:
    text = ", ".join(str(step) for step in steps)
    if not steps:
        yield Finding(rule="config-steps", message="there is no canary step.", position=position)
    elif any(second <= first for first, second in pairwise(steps)):
        yield Finding(
            rule="config-steps", message=f"canary weights must rise from step to step: {text}.", position=position
        )
    elif steps[-1] != 100:
        yield Finding(rule="config-steps", message=f"the last canary weight must be 100: {text}.", position=position)


def _known_clusters(config: Config, names: Collection[str], position: Position) -> Iterator[Finding]:
    for name in names:
        if name not in config.clusters:
            yield _unknown("cluster", name, config.clusters, position)


def _unknown(kind: str, name: str, known: Collection[str], position: Position) -> Finding:
    near = get_close_matches(name, known, n=1)
    help_ = f"Did you mean '{near[0]}'?" if near else ""
    return Finding(
        rule=f"config-unknown-{kind}", message=f"there is no {kind} '{name}'.", position=position, help=help_
    )


def _distinct(names: dict[str, str], marks: Marks, kind: str, where: str = "") -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for key, name in names.items():
        other = seen.setdefault(name, key)
        if other != key:
            message = f"'{other}' and '{key}' are the same {kind} '{name}'."
            yield Finding(rule="config-distinct", message=message, position=marks.of(where or key))


def _leaves_repository(path: str) -> bool:
    depth = 0
    for part in path.split("/"):
        depth += {"..": -1, ".": 0, "": 0}.get(part, 1)
        if depth < 0:
            return True
    return path.startswith("/")


def _outside(path: str, position: Position) -> Finding:
    return Finding(
        rule="config-outside",
        message=f"'{path}' lies outside the repository.",
        position=position,
        help="Give a path below the repository's root.",
    )


_RULES = (
    _branches,
    _gitlab,
    _stages,
    _registry,
    _services,
    _dependencies,
    _environments,
    _clusters,
    _mesh,
    _canary,
    _network,
)
