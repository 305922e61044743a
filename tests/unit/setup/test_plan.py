"""What `mcci setup` finds to do, from mcci.yml and what a project has."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from mcci.delivery.setup.model import (
    Agent,
    Environment,
    Found,
    Kept,
    Kind,
    Protection,
    Registry,
    Schedule,
    Variable,
    Wanted,
)
from mcci.delivery.setup.plan import plan
from mcci.delivery.setup.values import read
from mcci.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

WANTED = Wanted(
    default_branch="main",
    configuration=".gitlab-ci.yml",
    protected=("main", "development", "deployment"),
    delivers=("development", "deployment"),
    variables=(
        Variable(key="PASSWORD", use="the registry's", masked=True),
        Variable(key="KUBECONFIG_A", use="a's", file=True),
    ),
    environments=(Environment(name="production/a", tier="production", url="https://a.example"),),
    registry=Registry(host="docker.io", username="USER", password="PASSWORD"),
    schedule=Schedule(description="nightly", branch="development", cron="0 3 * * *"),
    agents=(Agent(project="a/b", name="c"),),
)
OPEN = Protection(name="", push=40, merge=40, allow_force_push=False)
READY = Found(
    default_branch="main",
    configuration="",
    branches=frozenset({"main", "development", "deployment"}),
    protected={name: replace(OPEN, name=name) for name in ("main", "development", "deployment")},
    variables=(
        Kept(key="PASSWORD", value="s3cret-value", protected=True, masked=True, file=False),
        Kept(key="KUBECONFIG_A", value="YmFzZTY0", protected=True, masked=True, file=False),
    ),
    environments={"production/a": Environment(name="production/a", tier="production", url="https://a.example", id=7)},
    triggers=frozenset(),
    schedules=(Schedule(description="nightly", branch="development", cron="0 3 * * *", id=3),),
    agents=frozenset({Agent(project="a/b", name="c")}),
)


def test_nothing_to_do() -> None:
    """A project that has all of it is left alone; a kubeconfig as masked base64 serves as well as a file."""
    assert plan(WANTED, READY, {}).is_done
    assert plan(WANTED, READY, {"PASSWORD": "s3cret-value"}).is_done


def test_everything_to_do() -> None:
    """An empty project gets one change for each thing, and the variables without a value are named."""
    empty = replace(
        READY, protected={}, variables=(), environments={}, schedules=(), agents=frozenset(), default_branch="master"
    )
    found = plan(WANTED, empty, {"PASSWORD": "s3cret-value"})
    assert [(each.kind, each.name, each.is_new) for each in found.changes] == [
        (Kind.PROJECT, "settings", False),
        (Kind.BRANCH, "main", True),
        (Kind.BRANCH, "development", True),
        (Kind.BRANCH, "deployment", True),
        (Kind.ENVIRONMENT, "production/a", True),
        (Kind.VARIABLE, "PASSWORD", True),
        (Kind.SCHEDULE, "nightly", True),
        (Kind.AGENT, "a/b:c", True),
    ]
    assert [each.key for each in found.missing] == ["KUBECONFIG_A"]
    assert "s3cret-value" not in repr(found)


def test_a_variable_of_one_environment_is_another() -> None:
    """A variable that holds for some environments alone is not the one that the jobs of all need."""
    scoped = replace(READY.variables[0], scope="review/*")
    found = plan(WANTED, replace(READY, variables=(scoped, READY.variables[1])), {})
    assert [each.key for each in found.missing] == ["PASSWORD"]


def test_a_schedule_that_was_moved() -> None:
    """What of a schedule differs is said, and it is changed in place."""
    moved = replace(READY.schedules[0], cron="0 4 * * *", active=False)
    (change,) = plan(WANTED, replace(READY, schedules=(moved,)), {}).changes
    assert (change.id, change.says) == (3, ("cron: 0 4 * * * → 0 3 * * *", "active: False → True"))


@pytest.mark.parametrize(
    ("development", "deployment", "fits"),
    [
        (OPEN, OPEN, True),
        (replace(OPEN, merge=30), OPEN, False),
        (replace(OPEN, merge=30), replace(OPEN, push=None, merge=30), True),
        (replace(OPEN, merge=None), replace(OPEN, push=None, merge=None), True),
        (OPEN, replace(OPEN, push=None, merge=None), False),
    ],
)
def test_who_merges_must_be_able_to_deliver(development: Protection, deployment: Protection, fits: bool) -> None:
    """Whoever may merge into development must be let onto the deployment branch, which starts as them."""
    protected = {
        "main": replace(OPEN, name="main"),
        "development": replace(development, name="development"),
        "deployment": replace(deployment, name="deployment"),
    }
    assert (plan(WANTED, replace(READY, protected=protected), {}).problems == ()) is fits


@pytest.mark.parametrize(
    ("old", "says", "merge"),
    [
        (replace(OPEN, push=30), ("push: developers → maintainers", "merge: maintainers → developers"), 30),
        (replace(OPEN, push=30, merge=30), ("push: developers → maintainers",), 30),
        (
            replace(OPEN, push=30, merge=None, allow_force_push=True),
            ("push: developers → maintainers", "merge: no one → developers", "force push: allowed → refused"),
            30,
        ),
    ],
)
def test_developers_do_not_push(old: Protection, says: tuple[str, ...], merge: int) -> None:
    """A branch that developers push to is for maintainers alone; they merge instead, and a stricter one is left."""
    protected = {name: replace(OPEN, name=name) for name in READY.protected}
    (change,) = plan(WANTED, replace(READY, protected=protected | {"main": replace(old, name="main")}), {}).changes
    assert (change.kind, change.name, change.is_new, change.says) == (Kind.BRANCH, "main", False, says)
    assert change.body == {"name": "main", "push_access_level": 40, "merge_access_level": merge}
    strict = replace(OPEN, name="main", push=None, merge=None)
    assert plan(WANTED, replace(READY, protected=protected | {"main": strict}), {}).is_done


def test_names_are_not_lost() -> None:
    """A protection that lets people in by their names is not made anew, which would lose them: it is named."""
    named = replace(OPEN, name="main", push=30, has_names=True)
    found = plan(WANTED, replace(READY, protected={**READY.protected, "main": named}), {})
    assert found.changes == ()
    assert "developers may push to main" in found.problems[0]


def test_the_project_s_own_registry() -> None:
    """Images that go into the project's own registry need no robot of a person's making; one that is given is kept."""
    own = replace(WANTED, registry=replace(WANTED.registry, host="registry.example"),
                  variables=(Variable(key="USER", use=""), Variable(key="PASSWORD", use="", masked=True)))  # fmt: skip
    there = replace(READY, registry="registry.example", variables=())
    found = plan(own, there, {})
    assert [(each.kind, each.is_new) for each in found.changes] == [(Kind.DEPLOY, True)]
    assert found.missing == ()
    assert [each.kind for each in plan(own, there, {"USER": "robot"}).changes] == [Kind.VARIABLE]
    assert [each.key for each in plan(own, replace(there, registry="other.example"), {}).missing] == [
        "USER",
        "PASSWORD",
    ]


def test_tokens_of_agents(tmp_path: Path) -> None:
    """An agent gets a token only where a folder for it was given, and only where it has none."""
    assert plan(WANTED, READY, {}).is_done
    wants = replace(WANTED, agent_tokens=tmp_path)
    (change,) = plan(wants, READY, {}).changes
    assert (change.kind, change.name, change.body["file"]) == (Kind.AGENT_ACCESS, "a/b:c", tmp_path / "c.token")
    assert plan(wants, replace(READY, with_token=READY.agents), {}).is_done


def test_new_secrets_can_be_hidden() -> None:
    """With `hides` a new secret is never shown again; what is there already is left as it is, since GitLab cannot."""
    wants = replace(WANTED, hides=True)
    (change,) = plan(wants, replace(READY, variables=READY.variables[1:]), {"PASSWORD": "s3cret-value"}).changes
    assert change.body["masked_and_hidden"] is True
    assert "hidden" in change.says[0]
    assert plan(wants, READY, {}).is_done


def test_a_branch_that_is_not_there() -> None:
    """It is protected all the same, and who makes it is said; the default branch is not moved to it."""
    found = plan(WANTED, replace(READY, branches=frozenset({"master"}), default_branch="master"), {})
    assert found.changes == ()
    assert [each.partition(":")[0] for each in found.problems] == [
        "the branch main is not there", "the branch development is not there", "the branch deployment is not there",
    ]  # fmt: skip


@pytest.mark.parametrize("value", ["brief", "has a space in it", "two\nlines-of-text"])
def test_values_that_cannot_be_masked(value: str) -> None:
    """A secret that GitLab would not mask is refused before anything is done, and is not in the message."""
    with pytest.raises(UsageError, match="PASSWORD") as caught:
        plan(WANTED, READY, {"PASSWORD": value})
    assert value not in str(caught.value)


def test_values_of_a_file(tmp_path: Path) -> None:
    """Values are text, or files beside it; what is no text, and what is no YAML, is refused without being shown."""
    (tmp_path / "config").write_text("a: b\n")
    path = tmp_path / "values.yml"
    path.write_text("PASSWORD: s3cret-value\nKUBECONFIG_A: {file: config}\n")
    assert read(path, WANTED.variables) == {"PASSWORD": "s3cret-value", "KUBECONFIG_A": "a: b\n"}
    for text in ("PASSWORD: 12345678\n", "PASSWORD: 's3cret\n", "- s3cret\n", "KUBECONFIG_A: {file: [s3cret]}\n"):
        path.write_text(text)
        with pytest.raises(UsageError) as caught:
            read(path, WANTED.variables)
        assert "s3cret" not in str(caught.value)
        assert "12345678" not in str(caught.value)
