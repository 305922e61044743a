"""`mcci setup` against the local GitLab, through python-gitlab: what it changes, leaves, and never shows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from mcci.rehearsal.gitlab.model import Access, Protection, TriggerToken
from mcci.simulation.events import ProjectVariable
from tests.service.rehearsal.conftest import DEVELOPER, GUEST, MAINTAINER

if TYPE_CHECKING:
    from pathlib import Path

    from mcci.rehearsal.gitlab.site import Site

CONFIG = """
version: 1
application: app
branches: {default: main}
gitlab: {trigger: trigger-token}
services: {api: {build_secrets: [NPM_TOKEN]}}
clusters:
  stage-aws: {}
  prod-aws: {agent: "vehicles/app:prod-aws"}
environments:
  stage: {clusters: [stage-aws], url: "https://stage.example.com"}
  production: {clusters: [prod-aws]}
"""
PASSWORD = "p4ssw0rd-of-the-registry"
KUBECONFIG = "apiVersion: v1\nkind: Config\n"
VALUES = f"""
REGISTRY_USER: bot
REGISTRY_PASSWORD: {PASSWORD}
NPM_TOKEN: npm-0123456789
KUBECONFIG_STAGE_AWS: {{file: kubeconfig.yml}}
"""

Setup = Any


@pytest.fixture
def setup(site: Site, pushed: Any, tmp_path: Path) -> Setup:
    """Return what runs `mcci setup` in a checkout of a project with three branches, as a user."""
    folder = pushed({"mcci.yml": CONFIG})
    for name in ("development", "deployment"):
        site.repository.create_branch(name, "main")
    (tmp_path / "values.yml").write_text(VALUES)
    (tmp_path / "kubeconfig.yml").write_text(KUBECONFIG)

    def run(*arguments: str, token: str = MAINTAINER.token) -> subprocess.CompletedProcess[str]:
        own = ("CI_", "GITLAB_", "MCCI_")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(own)}
        environment |= {"CI_SERVER_URL": site.url, "CI_PROJECT_PATH": "vehicles/app", "GITLAB_TOKEN": token}
        return subprocess.run(
            [sys.executable, "-m", "mcci", "setup", *arguments], cwd=folder, env=environment, capture_output=True,
            text=True, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip

    return run


def test_a_new_project(setup: Any, site: Site, tmp_path: Path) -> None:
    """All that the pipelines need is made in one run, protected and masked; the next run and --check find nothing."""
    values = str(tmp_path / "values.yml")
    looked = setup("--check", "--values", values)
    assert (looked.returncode, site.settings.variables) == (1, [])
    done = setup("--values", values, "--yes", "--schedule", "0 3 * * *")
    assert done.returncode == 0, done.stdout + done.stderr
    settings = site.settings
    assert set(settings.protected) == {"main", "development", "deployment"}
    variables = {each.key: (each.value, each.protected, each.masked, each.file) for each in settings.variables}
    (trigger,) = settings.trigger_tokens.values()
    assert variables == {
        "REGISTRY_USER": ("bot", True, False, False),
        "REGISTRY_PASSWORD": (PASSWORD, True, True, False),
        "NPM_TOKEN": ("npm-0123456789", False, True, False),
        "KUBECONFIG_STAGE_AWS": (KUBECONFIG, True, False, True),
        "MCCI_TRIGGER_TOKEN": (trigger.token, True, True, False),
    }
    environments = {each.name: (each.tier, each.url) for each in site.gitlab.environments}
    assert environments == {
        "stage/stage-aws": ("staging", "https://stage.example.com"), "production/prod-aws": ("production", ""),
    }  # fmt: skip
    (schedule,) = settings.schedules.values()
    assert (schedule.ref, schedule.cron) == ("development", "0 3 * * *")
    assert [each.name for each in settings.agents.values()] == ["prod-aws"]
    assert not any(secret in done.stdout + done.stderr for secret in (PASSWORD, "npm-0123456789", trigger.token))

    again = setup("--check", "--values", values, "--schedule", "0 3 * * *")
    assert (again.returncode, again.stdout) == (0, "The project is as mcci.yml needs it.\n")
    assert setup("--yes").returncode == 0
    assert list(settings.trigger_tokens.values()) == [trigger]


def test_only_what_differs_is_changed(setup: Any, site: Site, tmp_path: Path) -> None:
    """Drift is named and put right; what the project has beside it stays as it is."""
    values = str(tmp_path / "values.yml")
    assert setup("--values", values, "--yes").returncode == 0
    settings, before = site.settings, list(site.settings.variables)
    settings.variables.append(ProjectVariable(key="OWN", value="mine"))
    settings.protected["deployment"] = Protection(name="deployment", push=Access.NONE, allow_force_push=True)
    site.gitlab.environments.by_name["stage/stage-aws"].tier = "testing"
    index = next(at for at, each in enumerate(before) if each.key == "REGISTRY_PASSWORD")
    settings.variables[index] = ProjectVariable(key="REGISTRY_PASSWORD", value="another-password")
    found = setup("--check", "--format", "json", "--values", values)
    body = json.loads(found.stdout)
    assert (found.returncode, body["missing"], body["problems"]) == (1, [], [])
    assert [(each["name"], each["new"], each["says"]) for each in body["changes"]] == [
        ("deployment", False, ["force push: allowed → refused"]),
        ("stage/stage-aws", False, ["tier: testing → staging"]),
        ("REGISTRY_PASSWORD", False, ["its value is another", "protected: no → yes", "masked: no → yes"]),
    ]
    assert PASSWORD not in found.stdout + found.stderr
    assert setup("--yes", "--values", values).returncode == 0
    assert settings.variables == [*before, ProjectVariable(key="OWN", value="mine")]
    assert settings.protected["deployment"] == Protection(name="deployment", push=Access.NONE)
    assert site.gitlab.environments.by_name["stage/stage-aws"].tier == "staging"


def test_hidden_values_are_left(setup: Any, site: Site, tmp_path: Path) -> None:
    """A variable that GitLab never shows again is right as it is, without its value being known."""
    values = str(tmp_path / "values.yml")
    assert setup("--values", values, "--yes").returncode == 0
    site.settings.hidden.add("REGISTRY_PASSWORD")
    assert setup("--check", "--values", values).returncode == 0
    assert setup("--check").returncode == 0


def test_a_lost_trigger_token(setup: Any, site: Site, tmp_path: Path) -> None:
    """Where the variable is gone, its token is unknown: another one is made, and kept."""
    assert setup("--values", str(tmp_path / "values.yml"), "--yes").returncode == 0
    site.settings.variables = [each for each in site.settings.variables if each.key != "MCCI_TRIGGER_TOKEN"]
    old = set(site.settings.trigger_tokens)
    assert setup("--yes").returncode == 0
    (made,) = (each for number, each in site.settings.trigger_tokens.items() if number not in old)
    assert isinstance(made, TriggerToken)
    assert next(each for each in site.settings.variables if each.key == "MCCI_TRIGGER_TOKEN").value == made.token


def test_what_it_cannot_do(setup: Any, site: Site, tmp_path: Path) -> None:
    """Missing values, too little access, wrong tokens and nobody to ask end with what to do, and change nothing."""
    missing = setup("--dry-run")
    assert missing.returncode == 0
    assert (
        "REGISTRY_PASSWORD has no value: the password or token for docker.io. Give it with --values." in missing.stdout
    )
    nobody = setup("--values", str(tmp_path / "values.yml"))
    assert (nobody.returncode, "give --yes" in nobody.stderr) == (2, True)
    for token, said in ((DEVELOPER.token, "maintainer"), (GUEST.token, "maintainer"), ("glpat-none", "401")):
        refused = setup("--yes", token=token)
        assert (refused.returncode, said in refused.stderr) == (2, True), refused.stderr
        assert "Traceback" not in refused.stderr
    (tmp_path / "short.yml").write_text("REGISTRY_PASSWORD: abc-123\nREGISTRY_USER: bot\n")
    short = setup("--yes", "--values", str(tmp_path / "short.yml"))
    assert (short.returncode, "shorter than 8" in short.stderr, "abc-123" in short.stderr) == (2, True, False)
    (tmp_path / "odd.yml").write_text("REGISTRY_PASSWROD: very-secret-value\n")
    odd = setup("--yes", "--values", str(tmp_path / "odd.yml"))
    assert (odd.returncode, "REGISTRY_PASSWROD" in odd.stderr, "very-secret" in odd.stderr) == (2, True, False)
    assert setup("--schedule", "tomorrow").returncode == 2
    assert site.settings.variables == []
