"""What a merge request would change, told without any cluster: the charts of both sides, rendered for every service."""

from __future__ import annotations

import posixpath
from pathlib import Path
from typing import TYPE_CHECKING

from mcci.canary.versions import version_of
from mcci.delivery import registries
from mcci.delivery.deploy import diff
from mcci.delivery.deploy.model import Situation, Upgrade
from mcci.delivery.deploy.plan import plan
from mcci.delivery.deploy.prepare import Kitchen
from mcci.delivery.deploy.situations import is_in, is_in_place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcci.clients.git import Repository
    from mcci.config.model import Config, Environment, Service
    from mcci.delivery.deploy.diff import Change
    from mcci.delivery.deploy.masks import Masks
    from mcci.delivery.deploy.prepare import Prepared
    from mcci.delivery.deploy.session import Helm
    from mcci.delivery.deploy.values import Layer

ANY = f"sha256:{'0' * 64}"  # the digest in place of a release's, the same on both sides
LARGEST = 4 * 2**20


def checkout(repository: Repository, commit: str, prefix: str, config: Config, into: Path) -> None:
    """Write what a deploy reads at `commit` into a folder: charts, values, profiles. `prefix` is mcci.yml's folder."""
    folders = [config.charts, *(service.folder for service in config.services.values())]
    wanted = [posixpath.normpath(posixpath.join(prefix, each)) for each in folders]
    for path, entry in repository.files(commit, *dict.fromkeys(wanted)).items():
        inside = posixpath.relpath(path, prefix or ".")
        is_chart = f"{inside}/".startswith(f"{config.charts}/")
        if entry.mode.startswith("100") and (is_chart or inside.endswith((".yml", ".yaml"))):
            target = into / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(repository.content(entry.content))


def renderings(
    root: Path, config: Config, environment: Environment, clusters: Sequence[str], sets: Sequence[Layer]
) -> dict[tuple[str, str], Prepared]:
    """Return the releases that every service would have at its first deploy, by cluster and name."""
    kitchen = Kitchen(root, config, environment, sets)
    found: dict[tuple[str, str], Prepared] = {}
    for cluster in clusters:
        for service in config.services.values():
            if is_in(environment, service):
                for step in plan(_situation(config, environment, service, cluster)).steps:
                    if isinstance(step, Upgrade):
                        found[cluster, step.release] = kitchen.prepare(step, service.name, cluster)
    return found


def compare(
    old: Mapping[tuple[str, str], Prepared], new: Mapping[tuple[str, str], Prepared], namespaces: tuple[str, str],
    helm: Helm, masks: Masks,
) -> dict[str, list[Change]]:  # fmt: skip
    """Return what changes, by cluster. Raises `ChartRefused` where the new side cannot be rendered."""
    for each in [*old.values(), *new.values()]:
        masks.learn(each.values)
    found: dict[str, list[Change]] = {}
    for cluster, release in dict.fromkeys([*new, *old]):
        before, after = old.get((cluster, release)), new.get((cluster, release))
        same = before and after and before.fingerprint == after.fingerprint and namespaces[0] == namespaces[1]
        texts = ("", "") if same else (_text(before, namespaces[0], helm), _text(after, namespaces[1], helm))
        found.setdefault(cluster, []).extend(diff.changes(release, texts[0], texts[1], masks))
    return found


def check(new: Mapping[tuple[str, str], Prepared], namespace: str, helm: Helm) -> None:
    """Render everything. Raises `ChartRefused`."""
    for each in {found.fingerprint: found for found in new.values()}.values():
        _text(each, namespace, helm)


def _text(found: Prepared | None, namespace: str, helm: Helm) -> str:
    return helm.template(found.step.release, found.chart, found.values, namespace) if found else ""


def _situation(config: Config, environment: Environment, service: Service, cluster: str) -> Situation:
    repository = registries.release_repository(config, service)
    own, canary = service.clusters, service.canary.clusters
    return Situation(
        service=service.name,
        image=repository.at(ANY),
        version=version_of(ANY),
        in_place=is_in_place(config, environment, service),
        runs_stable=service.runs_on(cluster) if not own or cluster in own or cluster in canary else False,
        named=len(environment.all_clusters) > 1,
        routes=cluster in config.config_clusters(environment),
    )
