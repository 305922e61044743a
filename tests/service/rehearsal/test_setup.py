"""`mcci setup` against the local GitLab, through python-gitlab: what it changes, leaves, and never shows."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gitlab
import pytest
from gitlab.exceptions import GitlabCreateError

from mcci.rehearsal.gitlab.model import Access, ProtectedEnvironment, Protection, TriggerToken
from mcci.simulation.events import ProjectVariable
from tests.service.rehearsal.conftest import DEVELOPER, GUEST, MAINTAINER

if TYPE_CHECKING:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Runs `mcci setup` in a checkout, as a user."""

    folder: Path
    url: str

    def environment(self, token: str) -> dict[str, str]:
        """Return the variables of a shell in which somebody has put their token."""
        own = ("CI_", "GITLAB_", "MCCI_")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(own)}
        return environment | {"CI_SERVER_URL": self.url, "CI_PROJECT_PATH": "vehicles/app", "GITLAB_TOKEN": token}

    def __call__(self, *arguments: str, token: str = MAINTAINER.token) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "mcci", "setup", *arguments], cwd=self.folder, env=self.environment(token),
            capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip


@pytest.fixture
def setup(site: Site, pushed: Any, tmp_path: Path) -> Setup:
    """Push a project with three branches."""
    folder = pushed({"mcci.yml": CONFIG})
    for name in ("development", "deployment"):
        site.repository.create_branch(name, "main")
    (tmp_path / "values.yml").write_text(VALUES)
    (tmp_path / "kubeconfig.yml").write_text(KUBECONFIG)
    return Setup(folder=folder, url=site.url)


def test_a_new_project(setup: Setup, site: Site, tmp_path: Path) -> None:
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


def test_only_what_differs_is_changed(setup: Setup, site: Site, tmp_path: Path) -> None:
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


def test_hidden_values_are_left(setup: Setup, site: Site, tmp_path: Path) -> None:
    """A variable that GitLab never shows again is right as it is, without its value being known."""
    values = str(tmp_path / "values.yml")
    assert setup("--values", values, "--yes").returncode == 0
    site.settings.hidden.add("REGISTRY_PASSWORD")
    assert setup("--check", "--values", values).returncode == 0
    assert setup("--check").returncode == 0


def test_a_lost_trigger_token(setup: Setup, site: Site, tmp_path: Path) -> None:
    """Where the variable is gone, its token is unknown: another one is made, and kept."""
    assert setup("--values", str(tmp_path / "values.yml"), "--yes").returncode == 0
    site.settings.variables = [each for each in site.settings.variables if each.key != "MCCI_TRIGGER_TOKEN"]
    old = set(site.settings.trigger_tokens)
    assert setup("--yes").returncode == 0
    (made,) = (each for number, each in site.settings.trigger_tokens.items() if number not in old)
    assert isinstance(made, TriggerToken)
    assert next(each for each in site.settings.variables if each.key == "MCCI_TRIGGER_TOKEN").value == made.token


def test_what_it_cannot_do(setup: Setup, site: Site, tmp_path: Path) -> None:
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


def test_what_gitlab_makes(setup: Setup, site: Site, tmp_path: Path) -> None:
    """Tokens are made by GitLab and go where they belong, unseen; paid tiers protect production; then all is done."""
    (setup.folder / "mcci.yml").write_text(
        CONFIG.replace("trigger-token}", "trigger-token, tier: premium}")
        + "registry: {host: registry.gitlab.example, username: USER, password: PASS}\n"
    )
    (tmp_path / "two.yml").write_text("NPM_TOKEN: npm-0123456789\nKUBECONFIG_STAGE_AWS: {file: kubeconfig.yml}\n")
    arguments = ("--values", str(tmp_path / "two.yml"), "--hide", "--agent-tokens", str(tmp_path / "agents"))
    done = setup(*arguments, "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    settings = site.settings
    (deploy,) = settings.deploy_tokens.values()
    (agent,) = settings.agent_tokens.values()
    (trigger,) = settings.trigger_tokens.values()
    assert deploy.scopes == ("read_registry", "write_registry")
    values = {each.key: (each.value, each.masked) for each in settings.variables}
    assert (values["USER"], values["PASS"]) == ((deploy.username, False), (deploy.token, True))
    assert settings.hidden == {"NPM_TOKEN", "PASS", "MCCI_TRIGGER_TOKEN"}
    assert settings.protected_environments == {
        "production/prod-aws": ProtectedEnvironment(name="production/prod-aws", deploy=Access.MAINTAINER)
    }
    file = tmp_path / "agents" / "prod-aws.token"
    assert (file.read_text(), file.stat().st_mode & 0o777) == (agent.token + "\n", 0o600)
    said = done.stdout + done.stderr
    assert not any(each in said for each in (deploy.token, agent.token, trigger.token, "npm-0123456789"))
    again = setup("--check", *arguments)
    assert (again.returncode, again.stdout) == (0, "The project is as mcci.yml needs it.\n")


def test_a_token_is_not_committed(setup: Setup, site: Site, tmp_path: Path) -> None:
    """An agent's token is not written to where git would take it into the repository; nothing is done then."""
    refused = setup("--values", str(tmp_path / "values.yml"), "--agent-tokens", "tokens", "--yes")
    assert (refused.returncode, "would be committed" in refused.stderr) == (2, True)
    assert (site.settings.agents, site.settings.variables) == ({}, [])


def test_developers_no_longer_push(setup: Setup, site: Site, tmp_path: Path) -> None:
    """Who may push to a long-lived branch is narrowed to maintainers; those who could, merge."""
    assert setup("--values", str(tmp_path / "values.yml"), "--yes").returncode == 0
    site.settings.protected["deployment"] = Protection(name="deployment", push=Access.DEVELOPER)
    looked = setup("--check")
    assert looked.stdout == (
        "~ protected branch deployment: push: developers → maintainers; merge: maintainers → developers\n"
    )
    assert setup("--yes").returncode == 0
    assert site.settings.protected["deployment"] == Protection(name="deployment", merge=Access.DEVELOPER)
    assert setup("--check").returncode == 0


def test_pipelines_with_variables(setup: Setup, site: Site, tmp_path: Path) -> None:
    """Where the release is passed as a variable, those who deliver are let pass one; else that is left as it is."""
    site.settings.variables_role = "no_one_allowed"
    assert setup("--values", str(tmp_path / "values.yml"), "--yes").returncode == 0
    assert site.settings.variables_role == "no_one_allowed"
    (setup.folder / "mcci.yml").write_text(CONFIG.replace("trigger-token}", "trigger-token, inputs: false}"))
    looked = setup("--check")
    assert "who may start pipelines with variables: no_one_allowed → developer" in looked.stdout
    project = gitlab.Gitlab(site.url, private_token=MAINTAINER.token).projects.get("vehicles/app")
    with pytest.raises(GitlabCreateError, match="Insufficient permissions to set pipeline variables"):
        project.pipelines.create({"ref": "main", "variables": [{"key": "A", "value": "1"}]})
    assert setup("--yes").returncode == 0
    assert setup("--check").returncode == 0


def test_it_asks(setup: Setup, site: Site, tmp_path: Path) -> None:
    """At a terminal it asks for the values, shows none of them, and makes the changes when told to."""
    answers = {
        "NPM_TOKEN, ": "npm-0123456789", "KUBECONFIG_STAGE_AWS, ": str(tmp_path / "kubeconfig.yml"),
        "REGISTRY_USER, ": "robot", "REGISTRY_PASSWORD, ": PASSWORD, "Make these changes?": "y",
    }  # fmt: skip
    command = shlex.join([sys.executable, "-m", "mcci", "setup"])
    with subprocess.Popen(
        ["script", "--quiet", "--return", "--command", command, "/dev/null"], cwd=setup.folder,
        env=setup.environment(MAINTAINER.token), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        said, seen = b"", 0
        while piece := os.read(process.stdout.fileno(), 4096):
            said += piece
            asked = [each for each in answers if each.encode() in said[seen:]] if said.endswith(b": ") else []
            for question in asked[:1]:
                seen = len(said)
                process.stdin.write(f"{answers.pop(question)}\n".encode())
                process.stdin.flush()
    assert (process.returncode, answers) == (0, {}), said.decode()
    assert {each.key: each.value for each in site.settings.variables}["REGISTRY_PASSWORD"] == PASSWORD
    assert KUBECONFIG in {each.value for each in site.settings.variables}
    assert not any(secret.encode() in said for secret in (PASSWORD, "npm-0123456789"))
