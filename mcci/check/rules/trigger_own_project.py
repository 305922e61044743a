"""A trigger job aimed at its own project: GitLab refuses to start it (`invalid_bridge_trigger`)."""

from __future__ import annotations

from collections.abc import Iterator

from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.findings import Finding, Severity
from mcci.pipeline.document import Map

RULE = Rule(
    id="trigger-own-project",
    summary="A trigger job starts a pipeline of its own project, which GitLab refuses.",
    severity=Severity.ERROR,
    source="https://gitlab.com/gitlab-org/gitlab/-/issues/269883",
)
_OWN = frozenset({"$CI_PROJECT_PATH", "${CI_PROJECT_PATH}", "$CI_PROJECT_NAMESPACE/$CI_PROJECT_NAME"})


def check(subject: Subject) -> Iterator[Finding]:
    """Look at `trigger: PROJECT` and `trigger:project`."""
    own = _OWN | ({subject.context.project} if subject.context.project else set())
    for file in subject.files:
        for name, job in file.jobs():
            trigger = job.get("trigger")
            project = trigger.get("project") if isinstance(trigger, Map) else trigger
            if isinstance(project, str) and project in own:
                position = (
                    trigger.value_position("project") if isinstance(trigger, Map) else job.value_position("trigger")
                )
                message = f"trigger job '{name}' aims at its own project, and GitLab will refuse it"
                advice = "Start the other branch's pipeline over the API from a script job (mcci trigger)."
                yield RULE.finding(position, message, advice)
