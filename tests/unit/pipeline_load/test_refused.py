"""Keywords that GitLab refuses, or takes although they look wrong."""

from __future__ import annotations

import pytest

from mcci.pipeline.configuration import load
from mcci.pipeline.files import MemoryFiles, Sources
from mcci.pipeline.includes import Context
from tests.unit.pipeline_load.test_positions import NoWorld


def refused(text: str) -> list[str]:
    """Return what is refused of a configuration: rule, position and message."""
    configuration = load(Sources(local=MemoryFiles({"f": text})), "f", Context(world=NoWorld()))
    return [str(finding) for finding in configuration.findings]


@pytest.mark.parametrize(
    "text",
    [
        "job: {script: x, only: null, except: null, start_in: null, rules: [{when: always}]}",
        "job: {script: x, rules: null, only: [main]}",
        "one: {script: x}\ntwo: {script: x, dependencies: [one]}",
        "job: {script: x, retry: {max: 1, when: [always, runner_system_failure], exit_codes: [1, 137]}}",
        "job: {script: x, retry: {max: 1, when: script_failure, exit_codes: 3}}",
        "job: {script: x, retry: {when: null, exit_codes: null, max: null}}",
        "default: {retry: {max: 2, when: [api_failure]}}\njob: {script: x}",
    ],
)
def test_taken(text: str) -> None:
    """GitLab takes these."""
    assert refused(text) == []


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        (
            "job: {script: x, start_in: 1 day, when: delayed, rules: [{when: always}]}",
            "f:1:50: job: start_in cannot stand beside rules [rules]",
        ),
        (
            "job: {script: x, except: [main], rules: [{when: always}]}",
            "f:1:34: job: except cannot stand beside rules [rules]",
        ),
        ("job: {script: x, rules: []}", "f:1:25: job: rules should not be empty [rules]"),
        (
            "stages: [a, b]\none: {stage: b, script: x}\ntwo: {stage: a, script: x, dependencies: [one]}",
            "f:3:42: two: dependency one is not defined in the current or a prior stage [dependencies]",
        ),
        (
            "job: {script: x, retry: {max: 1, when: [always, api_falure]}}",
            "f:1:40: job: retry:when has no reason 'api_falure'; did you mean 'api_failure'? [retry]",
        ),
        ("job: {script: x, retry: {max: 1, when: 7}}", "f:1:40: job: retry:when has no reason '7' [retry]"),
        (
            "job: {script: x, retry: {max: 1, when: {a: b}}}",
            "f:1:40: job: retry:when has no reason a mapping [retry]",
        ),
        (
            "job: {script: x, retry: {max: 1, exit_codes: [1, '2']}}",
            "f:1:46: job: retry:exit_codes should be a whole number or a list of them, not '2' [retry]",
        ),
        (
            "job: {script: x, retry: {max: 1, exit_codes: true}}",
            "f:1:46: job: retry:exit_codes should be a whole number or a list of them, not 'True' [retry]",
        ),
        (
            "job: {script: x, retry: {times: 1}}",
            "f:1:26: job: retry has no keyword 'times' (those it has: max, when, exit_codes) [retry]",
        ),
        ("job: {script: x, retry: often}", "f:1:25: job: retry should be 0, 1 or 2 [retry]"),
    ],
)
def test_refused(text: str, finding: str) -> None:
    """GitLab refuses these; the finding says what and where."""
    assert refused(text) == [finding]
