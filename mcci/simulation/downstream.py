"""What a trigger job hands to the pipeline it starts: variables, and a child pipeline's files.

https://docs.gitlab.com/ci/pipelines/downstream_pipelines/ and https://docs.gitlab.com/ci/yaml/#triggerforward
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mcci.pipeline.jobs import Job
from mcci.pipeline.rules import Rule
from mcci.simulation.events import Event
from mcci.simulation.scope import Scope

if TYPE_CHECKING:
    from mcci.pipeline.triggers import Trigger


def forwarded(
    job: Job, trigger: Trigger, rule: Rule | None, scope: Scope, root: Mapping[str, str], event: Event
) -> dict[str, str]:
    """Return the variables that a trigger job passes on: its own and those of `root` it inherits, expanded."""
    passed: dict[str, str] = {}
    if trigger.forward_yaml_variables:
        inherited = job.inherited_variables
        passed.update(
            (key, value) for key, value in root.items() if inherited is True or (inherited and key in inherited)
        )
        passed.update((key, variable.value) for key, variable in job.variables.items())
        passed.update(rule.variables if rule is not None else {})
        raw = {key for key, variable in job.variables.items() if variable.raw}
        passed = {key: value if key in raw else scope.fill(value) for key, value in passed.items()}
    if trigger.forward_pipeline_variables:
        passed.update(event.variables)
    return passed


def child_parts(trigger: Trigger, scope: Scope) -> tuple[list[tuple[str, Mapping[str, Any]]], str]:
    """Return the files of a child pipeline with the inputs of each, or why they cannot be known."""
    parts: list[tuple[str, Mapping[str, Any]]] = []
    for include in trigger.include:
        if include.kind == "artifact":
            return [], f"its file '{include.value}' is an artifact of '{include.job}', known only when that ran"
        if include.kind != "local":
            return [], f"its file comes from {include.kind} '{include.project or include.value}'"
        parts.append((scope.fill(include.value).removeprefix("/"), include.inputs or trigger.inputs))
    return parts, ""
