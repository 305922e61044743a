"""What a project should have, from its mcci.yml."""

from __future__ import annotations

import pytest

from mcci.config.load import load
from mcci.delivery.setup.model import Agent, Environment, Variable, Wanted
from mcci.delivery.setup.wanted import wanted
from mcci.errors import UsageError

CLOUDS = """
notifications: {ops: {url: OPS_WEBHOOK}}
clusters:
  a: {}
  b: {agent: "group/agents:b"}
  c: {in_cluster: true}
environments:
  stage: {clusters: [a], url: "https://$HOST.example"}
  production: {waves: [[b], [c]], url: "https://shop.example"}
"""


def of(text: str, cron: str = "") -> Wanted:
    """Return what the project of a configuration should have."""
    return wanted(load(f"version: 1\napplication: shop\nservices: {{cart: {{}}}}\n{text}".encode()), cron)


def test_clusters_by_how_they_are_reached() -> None:
    """Only a cluster that is reached by a kubeconfig needs a variable; one with an agent needs that registered."""
    found = of(CLOUDS)
    assert found.agents == (Agent(project="group/agents", name="b"),)
    assert [each for each in found.variables if each.file] == [
        Variable(key="KUBECONFIG_A", use="the kubeconfig of a", file=True)
    ]
    assert [(each.key, each.masked) for each in found.variables if not each.file] == [
        ("OPS_WEBHOOK", True), ("REGISTRY_USER", False), ("REGISTRY_PASSWORD", True),
    ]  # fmt: skip


def test_environments_are_those_of_the_jobs() -> None:
    """There is one a cluster, with its tier; a URL with a variable in it is left to the jobs."""
    assert of(CLOUDS).environments == (
        Environment(name="stage/a", tier="staging"),
        Environment(name="production/b", tier="production", url="https://shop.example"),
        Environment(name="production/c", tier="production", url="https://shop.example"),
    )


def test_protected_environments_are_paid_for() -> None:
    """Only where GitLab's tier has them are production's environments protected."""
    assert of(CLOUDS).protected_environments == ()
    paid = of(CLOUDS + "gitlab: {tier: premium}")
    assert paid.protected_environments == ("production/b", "production/c")


def test_old_gitlabs_hide_nothing() -> None:
    """Secrets that are to be hidden are refused where GitLab would show them."""
    config = load(b"version: 1\napplication: shop\nservices: {cart: {}}\ngitlab: {version: '17.3'}")
    with pytest.raises(UsageError, match=r"needs GitLab 17\.4"):
        wanted(config, hides=True)


def test_old_gitlabs_take_variables() -> None:
    """Where a release is no input it is a variable, which GitLab must let a pipeline have; a trunk passes none."""
    assert not of("").passes_variables
    assert of("gitlab: {inputs: false}").passes_variables
    assert of("gitlab: {version: '17.10'}").passes_variables
    assert not of("layout: trunk\nbranches: {default: main}\ngitlab: {inputs: false}").passes_variables


def test_one_branch_or_three() -> None:
    """On a trunk nothing is delivered from branch to branch, so it needs no trigger token and one protected branch."""
    trunk = of("layout: trunk\nbranches: {default: main}\ngitlab: {trigger: trigger-token}", "0 3 * * *")
    assert (trunk.protected, trunk.trigger, trunk.delivers) == (("main",), "", None)
    assert trunk.schedule is not None
    assert trunk.schedule.branch == "main"
    three = of("")
    assert (three.protected, three.trigger) == (("master", "development", "deployment"), "")
    assert three.delivers == ("development", "deployment")
    token = of("gitlab: {trigger: trigger-token, trigger_token: BOT}", "0 3 * * *")
    assert (token.trigger, token.delivers) == ("BOT", None)
    assert token.schedule is not None
    assert token.schedule.branch == "development"
