"""Each folder below `cases/` is a case: CI files in, `expected.txt` out. `MCCI_REFRESH=1` writes what is found now.

`.gitlab-ci.yml` is the entry unless `context.json` names `entries`; folders below `branches/` are branches.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mcci.check import check
from mcci.check.collect import collect
from mcci.check.report.text import lines
from mcci.check.rules import ALL
from mcci.check.subject import Context
from mcci.findings import Position
from mcci.pipeline.files import MemoryFiles

CASES = Path(__file__).parent / "cases"
FOLDERS = sorted(path.parent for path in CASES.rglob("expected.txt"))
RULES = [module.RULE.id for module in ALL]


def findings(folder: Path) -> str:
    """Return what a case's files give, as text."""
    given = folder / "context.json"
    settings = json.loads(given.read_text()) if given.exists() else {}
    causes = {
        (".gitlab-ci.yml", job): Position(file=file, line=line, column=column)
        for job, (file, line, column) in settings.get("causes", {}).items()
    }
    secrets = frozenset(settings.get("secrets", ()))
    context = Context(project=settings.get("project", ""), secrets=secrets, causes=causes)
    texts = {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.yml") if path.is_file()}
    branches: dict[str, dict[str, str]] = {}
    for path in sorted((folder / "branches").rglob("*.yml")):
        branch, name = path.relative_to(folder / "branches").parts
        branches.setdefault(branch, {})[name] = texts.pop(path.relative_to(folder).as_posix())
    entries = settings.get("entries", [".gitlab-ci.yml"] if texts else [])
    subject = collect(MemoryFiles(texts), entries, context, branches)
    return "".join(f"{line}\n" for line in lines(check(subject)))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(CASES)))
def test_case(folder: Path) -> None:
    """All rules together find in a case's files exactly what it expects, in words and places."""
    found = findings(folder)
    if os.environ.get("MCCI_REFRESH"):
        (folder / "expected.txt").write_text(found)
    assert found == (folder / "expected.txt").read_text()


def test_every_folder_is_a_case() -> None:
    """No folder with CI files lacks its expectation, and so escapes the test above."""
    with_files = {path.parent for path in CASES.rglob(".gitlab-ci.yml") if "branches" not in path.parts}
    assert with_files <= set(FOLDERS)


@pytest.mark.parametrize("rule", RULES)
def test_rule_has_a_bad_case(rule: str) -> None:
    """Each rule finds something in a case of its own folder."""
    assert any(f"[{rule}]" in (folder / "expected.txt").read_text() for folder in FOLDERS if folder.parent.name == rule)


@pytest.mark.parametrize("rule", RULES)
def test_rule_has_a_good_case(rule: str) -> None:
    """Each rule keeps quiet in a case of its own folder, and all the others too."""
    assert any((folder / "expected.txt").read_text() == "" for folder in FOLDERS if folder.parent.name == rule)


REALISTIC = [folder for folder in FOLDERS if folder.parent.name == "realistic"]


@pytest.mark.parametrize("folder", REALISTIC, ids=lambda folder: folder.name)
def test_no_false_alarm(folder: Path) -> None:
    """Configurations of the shapes people really write raise no alarm."""
    assert findings(folder) == ""
