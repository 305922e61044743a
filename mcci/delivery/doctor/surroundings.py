"""The checks that concern no cluster: helm, the release registry, and the variables that the jobs are given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.clients.helm import binary
from mcci.clients.registry.retry import Policy
from mcci.config.choices import TriggerToken
from mcci.delivery import registries
from mcci.delivery.doctor.model import Result, failed, ok, skipped, warning
from mcci.errors import McciError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcci.config.model import Config

_QUICK = Policy(attempts=2, first=0.5, patience=5, connect=5, silence=15)


def helm(environment: Mapping[str, str]) -> Result:
    """Whether there is a helm that mcci can drive."""
    try:
        found = binary.find(environment)
    except McciError as error:
        return failed("helm", str(error), binary.ADVICE)
    return ok("helm", f"{found.words} ({found.path})")


def registry(config: Config, environment: Mapping[str, str]) -> Result:
    """Whether the release registry answers, and takes the credentials."""
    service = next(iter(config.services.values()))
    where = registries.release_repository(config, service)
    try:
        with registries.Registries(config, environment, lambda _: None, _QUICK) as opened:
            tags = opened.of(where).tags(where)
    except McciError as error:
        return failed("registry", str(error))
    return ok("registry", f"{config.registry.host} answers: {where.repository} has {len(tags)} tags")


def variables(config: Config, environment: Mapping[str, str]) -> Iterator[Result]:
    """Whether the job has the variables that mcci.yml names. At a terminal it is not looked for."""
    if not environment.get("CI"):
        yield skipped("variables", "GitLab's variables are looked for in a job")
        return
    protected = environment.get("CI_COMMIT_REF_PROTECTED") == "true"
    missing = [name for name in wanted(config) if not environment.get(name)]
    if not missing:
        yield ok("variables", f"all {len(wanted(config))} that mcci.yml names are set")
        return
    advice = "Add them to the project's CI/CD variables (kubeconfigs of the type File), protected."
    if not protected:
        advice += " This branch is not protected: protected variables are not in its jobs."
    tell = failed if protected else warning
    yield tell("variables", f"not set: {', '.join(missing)}", advice)


def wanted(config: Config) -> tuple[str, ...]:
    """Return the variables that the configuration needs in deployment jobs."""
    names = [cluster.kubeconfig_variable for cluster in config.clusters.values()]
    names += [cluster.id_token_variable for cluster in config.clusters.values() if cluster.oidc]
    names += ["KUBECONFIG"] if any(cluster.agent for cluster in config.clusters.values()) else []
    names += [config.registry.username, config.registry.password]
    names += [config.gitlab.trigger_token] if config.gitlab.trigger is TriggerToken.TRIGGER else []
    return tuple(dict.fromkeys(name for name in names if name))
