"""What mcci itself generates passes its own rules, and stops passing when its safety is taken away."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mcci.check import check
from mcci.check.collect import collect
from mcci.pipeline.files import MemoryFiles

CASES = Path(__file__).parents[1] / "generate" / "cases"
BRANCHES = sorted(path.parent for path in CASES.glob("*/expected/*/.gitlab-ci.yml"))
OWN = ".gitlab/lint.yml"  # a file of the user's that a case includes


def texts(branch: Path) -> dict[str, str]:
    """Return a branch's files."""
    found = {path.relative_to(branch).as_posix(): path.read_text() for path in branch.rglob("*.yml")}
    return {OWN: "lint: {stage: .pre, script: [make lint]}\n", **found}


def rules(files: dict[str, str]) -> set[str]:
    """Return the ids of the rules that find something."""
    return {finding.rule for finding in check(collect(MemoryFiles(files), [".gitlab-ci.yml"]))}


def test_there_are_branches() -> None:
    """The generator's cases are where this looks for them."""
    assert len(BRANCHES) > 5


@pytest.mark.parametrize("branch", BRANCHES, ids=lambda path: str(path.relative_to(CASES)))
def test_clean(branch: Path) -> None:
    """No rule finds anything in a generated branch."""
    assert rules(texts(branch)) == set()


@pytest.mark.parametrize(
    ("pattern", "replacement", "rule"),
    [
        (r"\n *when: manual", "", "production-not-manual"),
        (r"\n *resource_group: production.*", "", "production-resource-group"),
        (r"interruptible: false", "interruptible: true", "interruptible-deploy"),
    ],
)
def test_mutated(pattern: str, replacement: str, rule: str) -> None:
    """A deployment pipeline without its manual jobs, resource groups or protection from cancelling is found out."""
    files = texts(CASES / "three-branch" / "expected" / "deployment")
    files["deploy-gitlab-ci.yml"] = re.sub(pattern, replacement, files["deploy-gitlab-ci.yml"])
    assert rule in rules(files)
