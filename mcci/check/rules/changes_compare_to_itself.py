"""`changes` compared to the very branch that was pushed: nothing ever differs, so the rule never matches."""

from __future__ import annotations

from collections.abc import Iterator

from mcci.check.conditions import demands
from mcci.check.jobs import rules
from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.findings import Finding, Severity
from mcci.pipeline.document import Map

RULE = Rule(
    id="changes-compare-to-itself",
    summary="A rule compares a branch with itself and never matches.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/yaml/#ruleschangescompare_to",
)
_DEFAULT = ("$CI_DEFAULT_BRANCH", "${CI_DEFAULT_BRANCH}")


def check(subject: Subject) -> Iterator[Finding]:
    """Look at rules whose condition names the branch that `changes:compare_to` names."""
    for file in subject.files:
        for name, job in file.jobs():
            for rule in rules(job):
                changes = rule.get("changes")
                if isinstance(changes, Map) and isinstance(changes.get("compare_to"), str):
                    target = changes["compare_to"].removeprefix("refs/heads/")
                    if _only_on(rule.get("if"), target):
                        message = f"job '{name}': a push to '{target}' compared to '{target}' never shows a change"
                        advice = "Leave compare_to out: then the push's own commits are compared."
                        yield RULE.finding(changes.value_position("compare_to"), message, advice)


def _only_on(condition: object, branch: str) -> bool:
    """Say whether every case that makes `condition` true is a push to `branch`."""
    if isinstance(condition, str) and branch in _DEFAULT:
        plain = condition.replace("{", "").replace("}", "").split("&&")
        return (
            any(part.split() == ["$CI_COMMIT_BRANCH", "==", "$CI_DEFAULT_BRANCH"] for part in plain)
            and "||" not in condition
        )
    return all(
        branch in (asked.get("CI_COMMIT_BRANCH"), asked.get("CI_COMMIT_REF_NAME")) for asked in demands(condition)
    )
