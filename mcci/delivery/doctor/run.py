"""All checks of a project, its clusters at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcci.clients import prometheus
from mcci.clusters.access import open_cluster
from mcci.delivery.doctor import cluster as cluster_checks
from mcci.delivery.doctor import needed, surroundings, variables
from mcci.delivery.doctor.model import Result, Status, failed
from mcci.errors import McciError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from mcci.clients.gitlab_pipelines import Server
    from mcci.config.model import Config, Environment

DEADLINE = 15.0  # seconds for one call to a cluster: a doctor waits less than a deploy
_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """A project to be checked. `root` is the folder of mcci.yml; `config_option` names it on a command line.

    `server` is its GitLab, where that is known.
    """

    config: Config
    root: Path
    variables: Mapping[str, str]
    config_option: str = ""
    server: Server | None = None


def check(
    patient: Patient, places: Sequence[tuple[Environment, str]], say: Callable[[str], None]
) -> dict[str, list[Result]]:
    """Return what all checks find: by `environment/cluster` in the order of `places`, then the rest under "".

    `say` is told of each cluster that is done.
    """
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="doctor") as pool:
        clusters = {
            f"{environment.name}/{name}": pool.submit(_cluster, patient, environment, name, say)
            for environment, name in places
        }
        registry = pool.submit(surroundings.registry, patient.config, patient.variables)
        names = tuple(dict.fromkeys(name for _, name in places))
        found = variables.check(patient.config, names, patient.variables, patient.server)
        rest = [surroundings.helm(patient.variables), *found]
        return {**{place: cluster.result() for place, cluster in clusters.items()}, "": [registry.result(), *rest]}


def _cluster(patient: Patient, environment: Environment, name: str, say: Callable[[str], None]) -> list[Result]:
    found = _examined(patient, environment, name)
    bad = sum(each.status is Status.FAILED for each in found)
    say(f"{environment.name}/{name}: {len(found)} checks{f', {bad} failed' if bad else ''}")
    return found


def _examined(patient: Patient, environment: Environment, name: str) -> list[Result]:
    config = patient.config
    cluster = config.clusters[name]
    try:
        with open_cluster(cluster, patient.variables, root=patient.root, deadline=DEADLINE) as opened:
            subject = cluster_checks.Subject(
                api=opened.api,
                environment=environment.name,
                namespace=config.namespace_of(environment),
                application=config.application,
                permissions=needed.permissions(config, patient.root, environment, name),
                routes=name in config.config_clusters(environment),
                mesh_namespace=config.mesh.namespace,
                prometheus=prometheus.open_all({name: cluster.prometheus}, patient.variables).get(name),
                config_option=patient.config_option,
            )
            return cluster_checks.examine(subject)
    except McciError as error:
        return [failed("access", str(error), cluster=name)]
