"""docs/reference/rules.md is complete, and its examples are true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mcci.check import EVERY, check
from mcci.check.collect import collect
from mcci.check.prove import prove
from mcci.check.rule import RuleModule
from mcci.pipeline.files import MemoryFiles

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "rules.md").read_text()
SECTIONS = {part.split("\n", 1)[0]: part for part in PAGE.split("\n## ")[1:]}
# Their examples are several files, or shortened.
NOT_RUNNABLE = {"child-never-runs", "limit-near", "parents-differ", "resource-group-deadlock"}
RUNNABLE = sorted(SECTIONS.keys() - NOT_RUNNABLE)


def example(rule: str, kind: str) -> set[str]:
    """Return the ids of the rules that find something in one of a section's examples ("found", "right")."""
    found = re.search(rf"```yaml\n# {kind}\n(.*?)```", SECTIONS[rule], re.DOTALL)
    assert found, f"{rule} has no example of what is {kind}"
    subject = collect(MemoryFiles({".gitlab-ci.yml": found[1]}), [".gitlab-ci.yml"])
    return {finding.rule for finding in check(subject, prove)}


def test_every_rule_is_documented_once_and_in_order() -> None:
    """The page has one section for each rule of the table, in its order, and no other."""
    assert re.findall(r"^## (.+)$", PAGE, re.MULTILINE) == [module.RULE.id for module in EVERY]


def test_ids_are_unique() -> None:
    """No two rules share an id."""
    ids = [module.RULE.id for module in EVERY]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("module", EVERY, ids=lambda module: module.RULE.id)
def test_section(module: RuleModule) -> None:
    """A section gives the rule's summary, severity and source as the rule itself does."""
    section = SECTIONS[module.RULE.id]
    assert module.RULE.summary in section
    assert f"Severity: {module.RULE.severity.value}. Source: <{module.RULE.source}>" in section


@pytest.mark.parametrize("module", EVERY, ids=lambda module: module.RULE.id)
def test_rule(module: RuleModule) -> None:
    """An id is kebab-case and the name of the rule's file; the source is a web page."""
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", module.RULE.id)
    assert getattr(module, "__name__", "").rsplit(".", 1)[-1] == module.RULE.id.replace("-", "_")
    assert module.RULE.source.startswith("https://")


@pytest.mark.parametrize("rule", RUNNABLE)
def test_found(rule: str) -> None:
    """The rule finds what its section calls found."""
    assert rule in example(rule, "found")


@pytest.mark.parametrize("rule", RUNNABLE)
def test_right(rule: str) -> None:
    """The rule has nothing to say against what its section calls right."""
    assert rule not in example(rule, "right")
