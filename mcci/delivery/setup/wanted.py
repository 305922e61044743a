"""From mcci.yml to what its project should have. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.config.choices import Layout, TriggerToken
from mcci.delivery.setup.model import Agent, Environment, Schedule, Variable, Wanted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcci.config.model import Config

SCHEDULE = "mcci: images on new base images"


def wanted(config: Config, cron: str = "") -> Wanted:
    """Return what the project of `config` should have; with `cron`, a schedule that builds on new base images."""
    branches = config.branches
    three = config.layout is Layout.THREE_BRANCH
    built = branches.development if three else branches.default
    by_trigger = three and config.gitlab.trigger is not TriggerToken.JOB
    return Wanted(
        default_branch=branches.default,
        configuration=config.files.parent,
        protected=(branches.default, branches.development, branches.deployment) if three else (branches.default,),
        delivers=(branches.development, branches.deployment) if three and not by_trigger else None,
        variables=tuple({each.key: each for each in _variables(config)}.values()),
        environments=tuple(_environments(config)),
        trigger=config.gitlab.trigger_token if by_trigger else "",
        schedule=Schedule(description=SCHEDULE, branch=built, cron=cron) if cron else None,
        agents=tuple(dict.fromkeys(_agents(config))),
    )


def _variables(config: Config) -> Iterator[Variable]:
    # builds in merge requests need their secrets, too: whether those are protected is the project's own choice
    for service in config.services.values():
        for name in service.build_secrets:
            yield Variable(key=name, use=f"a secret of {service.name}'s build", protected=None, masked=True)
    for webhook in config.notifications.values():
        yield Variable(key=webhook.url, use=f"the webhook {webhook.name}", masked=True)
    for cluster in config.clusters.values():
        if name := cluster.kubeconfig_variable:
            yield Variable(key=name, use=f"the kubeconfig of {cluster.name}", file=True)
    registry = config.registry
    yield Variable(key=registry.username, use=f"the user of {registry.host}")
    yield Variable(key=registry.password, use=f"the password or token for {registry.host}", masked=True)


def _environments(config: Config) -> Iterator[Environment]:
    for each in config.environments.values():
        url = "" if "$" in each.url else each.url
        for cluster in each.all_clusters:
            yield Environment(name=f"{each.name}/{cluster}", tier=each.deployment_tier.value, url=url)


def _agents(config: Config) -> Iterator[Agent]:
    for cluster in config.clusters.values():
        if cluster.agent:
            project, _, name = cluster.agent.partition(":")
            yield Agent(project=project, name=name)
