"""From mcci.yml to what its project should have. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.config.choices import Layout, Tier, TriggerToken
from mcci.config.keys import Version
from mcci.delivery.setup.model import Agent, Environment, Registry, Schedule, Variable, Wanted
from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mcci.config.model import Config

HIDES = Version(17, 4)  # https://docs.gitlab.com/ci/variables/#hide-a-cicd-variable
INPUTS = Version(17, 11)  # from here on a pipeline is started with inputs
SCHEDULE = "mcci: images on new base images"


def wanted(config: Config, cron: str = "", *, hides: bool = False, agent_tokens: Path | None = None) -> Wanted:
    """Return what the project of `config` should have; with `cron`, a schedule that builds on new base images.

    With `hides`, new secrets can be read by nobody any more, `agent_tokens` is the folder for new agents' tokens.
    Raises `UsageError` for a GitLab that cannot hide.
    """
    if hides and config.gitlab.version < HIDES:
        raise UsageError(
            f"--hide needs GitLab {HIDES} or later, and mcci.yml has `gitlab: {{version: {config.gitlab.version}}}`."
        )
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
        registry=Registry(
            host=config.registry.host, username=config.registry.username, password=config.registry.password
        ),
        protected_environments=tuple(_protected_environments(config)),
        trigger=config.gitlab.trigger_token if by_trigger else "",
        schedule=Schedule(description=SCHEDULE, branch=built, cron=cron) if cron else None,
        agents=tuple(dict.fromkeys(_agents(config))),
        agent_tokens=agent_tokens,
        hides=hides,
        passes_variables=three and not (config.gitlab.inputs and config.gitlab.version >= INPUTS),
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


def _protected_environments(config: Config) -> Iterator[str]:
    """Yield the environments to which only maintainers deploy: GitLab protects them in its paid tiers alone."""
    if config.gitlab.tier is Tier.FREE:
        return
    for each in config.environments.values():
        if each.is_production:
            yield from (f"{each.name}/{cluster}" for cluster in each.all_clusters)


def _agents(config: Config) -> Iterator[Agent]:
    for cluster in config.clusters.values():
        if cluster.agent:
            project, _, name = cluster.agent.partition(":")
            yield Agent(project=project, name=name)
