"""What `mcci sync` decides, from values alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcci.config.load import load
from mcci.delivery.sync.plan import (
    Change,
    Kind,
    Mode,
    Origin,
    Relation,
    Role,
    changes,
    folded,
    is_ours,
    message,
    origin,
    places,
    targets,
)

CONFIG = b"version: 1\napplication: shop\nservices:\n  cart: {}\n"
DEPLOYED = CONFIG + b"clusters:\n  one: {}\nenvironments:\n  stage: {clusters: [one]}\n"
FILES = st.dictionaries(st.sampled_from(["a", "b", "c", "d/e", "d/f"]), st.sampled_from(["1", "2"]))


@given(FILES, FILES, st.sets(st.sampled_from(["a", "b", "old", "d/1.yml"])))
def test_changes_reach_what_is_wanted(wanted: dict[str, str], present: dict[str, str], generated: set[str]) -> None:
    """Applied to what is there, the changes give every wanted file, drop generated ones and touch no other."""
    there = present | {path: present.get(path, "old") for path in generated}
    after = dict(there)
    for change in changes(wanted, there, generated):
        if change.kind is Kind.REMOVED:
            del after[change.path]
        else:
            assert (change.kind is Kind.ADDED) == (change.path not in there)
            after[change.path] = wanted[change.path]
    others = {path: content for path, content in there.items() if path not in wanted and path not in generated}
    assert after == others | wanted
    assert changes(wanted, after, [path for path in generated if path in after]) == ()


@pytest.mark.parametrize(
    ("mode", "local", "remote", "relation", "expected"),
    [
        (Mode.HERE, True, True, None, Origin.LOCAL),
        (Mode.HERE, True, True, Relation.AHEAD, Origin.LOCAL),
        (Mode.HERE, True, True, Relation.BEHIND, Origin.REMOTE),
        (Mode.HERE, True, True, Relation.DIVERGED, Origin.LOCAL),
        (Mode.HERE, True, False, None, Origin.LOCAL),
        (Mode.HERE, False, True, None, Origin.REMOTE),
        (Mode.PUSH, True, True, None, Origin.REMOTE),
        (Mode.PUSH, True, True, Relation.AHEAD, Origin.LOCAL),
        (Mode.PUSH, True, True, Relation.DIVERGED, Origin.REMOTE),
        (Mode.PUSH, True, False, None, Origin.LOCAL),
        (Mode.PROPOSE, True, True, Relation.AHEAD, Origin.REMOTE),
        (Mode.PROPOSE, True, False, None, Origin.LOCAL),
    ],
)
def test_origin(mode: Mode, local: bool, remote: bool, relation: Relation | None, expected: Origin) -> None:
    """What a commit is made upon follows from where it goes and how the branch here stands to the remote's."""
    assert origin(Role.DEVELOPMENT, mode, local=local, remote=remote, relation=relation) is expected


@pytest.mark.parametrize("mode", Mode)
def test_new_branches(mode: Mode) -> None:
    """A new development branch begins with the default branch's code, a new deployment branch with nothing."""
    found = {role: origin(role, mode, local=False, remote=False, relation=None) for role in Role}
    assert found[Role.DEVELOPMENT] is Origin.DEFAULT
    assert found[Role.DEPLOYMENT] is Origin.NOTHING


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (DEPLOYED, ["master", "development", "deployment"]),
        (CONFIG, ["master", "development"]),
        (DEPLOYED + b"layout: trunk\n", ["master"]),
        (DEPLOYED + b"branches: {default: main, deployment: ops}\n", ["main", "development", "ops"]),
    ],
)
def test_targets(text: bytes, expected: list[str]) -> None:
    """The branches are those of the layout, without a deployment branch when there is nowhere to deploy to."""
    config = load(text)
    generated = {branch: {".gitlab-ci.yml": "x"} for branch in ("master", "main", "development", "deployment", "ops")}
    found = targets(config, "mcci.yml", text, generated)
    assert [target.branch for target in found] == expected
    assert all(target.files == {"mcci.yml": text, ".gitlab-ci.yml": b"x"} for target in found)


def test_places() -> None:
    """Generated files are looked for at the top and where `files` puts them, and nowhere deeper."""
    config = load(CONFIG + b"files: {develop: .ci/develop.yml}\n")
    found = [place.removeprefix(":(glob)") for place in places(config)]
    assert {"*.yml", "*/[0-9]*.yml", ".ci/*.yml", ".ci/develop/[0-9]*.yml", "deploy-gitlab-ci/[0-9]*.yml"} <= set(found)
    assert not [place for place in found if "**" in place or place.startswith("/")]


def test_folded() -> None:
    """What is added below one folder is one line; what is changed or removed there is named file by file."""
    changed = [
        Change(path="charts/a/Chart.yaml", kind=Kind.ADDED),
        Change(path="charts/b/Chart.yaml", kind=Kind.ADDED),
        Change(path="charts/c/Chart.yaml", kind=Kind.REMOVED),
        Change(path="develop-gitlab-ci/1.yml", kind=Kind.ADDED),
        Change(path="mcci.yml", kind=Kind.CHANGED),
    ]
    assert folded(changed) == [
        ("charts/", Kind.ADDED, 2),
        ("charts/c/Chart.yaml", Kind.REMOVED, 1),
        ("develop-gitlab-ci/1.yml", Kind.ADDED, 1),
        ("mcci.yml", Kind.CHANGED, 1),
    ]


def test_message_is_known_again() -> None:
    """A commit that mcci made is known by its trailer, and only for its own branch."""
    text = message("development", [Change(path="mcci.yml", kind=Kind.CHANGED)], "mcci.yml of master at 123")
    assert text.startswith("Bring the pipelines up to date with mcci.yml\n\nChanged mcci.yml\n")
    assert is_ours(text, "development")
    assert not is_ours(text, "develop")
    assert not is_ours("Revert\n\nnot Mcci-Sync: development\n", "development")
