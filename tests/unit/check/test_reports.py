"""The four formats say the same findings."""

from __future__ import annotations

from dataclasses import replace

from mcci.check.report import code_quality, fingerprints, json, sarif, text
from mcci.check.rule import Rule
from mcci.findings import Finding, Position, Severity

RULE = Rule(id="some-rule", summary="Something.", severity=Severity.ERROR, source="https://docs.gitlab.com/ci/yaml/")
ERROR = Finding(
    rule="some-rule",
    message="'a' is wrong, first on line 3.",
    position=Position(file="./ci/a b.yml", line=4, column=7),
    help="Right it.",
)
WARNING = Finding(
    rule="other-rule",
    message="'b' is odd",
    position=Position(file="b.yml", line=1, column=1),
    severity=Severity.WARNING,
)


def test_text() -> None:
    """A line holds place, message, advice and rule; a warning says that it is one."""
    assert text.lines([ERROR, WARNING]) == [
        "./ci/a b.yml:4:7: 'a' is wrong, first on line 3. Right it. [some-rule]",
        "b.yml:1:1: warning: 'b' is odd [other-rule]",
    ]


def test_summary() -> None:
    """The summary counts errors and warnings, and knows one from many."""
    assert text.summary([ERROR, WARNING, WARNING], 1) == "1 error and 2 warnings in 1 file"
    assert text.summary([], 3) == "nothing found in 3 files"


def test_json() -> None:
    """The JSON body has a finding's every field."""
    assert json.body([ERROR], ["a.yml"]) == {
        "files": ["a.yml"],
        "findings": [
            {
                "rule": "some-rule",
                "severity": "error",
                "message": "'a' is wrong, first on line 3.",
                "help": "Right it.",
                "file": "./ci/a b.yml",
                "line": 4,
                "column": 7,
            }
        ],
    }


def test_code_quality() -> None:
    """GitLab's report has the fields it requires, with a path relative to the repository."""
    first, second = code_quality.issues([ERROR, WARNING])
    assert {key: first[key] for key in ("description", "check_name", "severity", "location")} == {
        "description": "'a' is wrong, first on line 3. Right it.",
        "check_name": "some-rule",
        "severity": "major",
        "location": {"path": "ci/a b.yml", "lines": {"begin": 4}},
    }
    assert second["severity"] == "minor"
    assert first["fingerprint"] != second["fingerprint"]


def test_sarif() -> None:
    """The SARIF log names the rules asked, and each result its rule, level, place and fingerprint."""
    log = sarif.log([ERROR, WARNING], [RULE], "1.2.3")
    (run,) = log["runs"]
    assert (log["version"], run["tool"]["driver"]["name"], run["tool"]["driver"]["version"]) == (
        "2.1.0",
        "mcci",
        "1.2.3",
    )
    assert run["tool"]["driver"]["rules"] == [
        {
            "id": "some-rule",
            "shortDescription": {"text": "Something."},
            "helpUri": "https://docs.gitlab.com/ci/yaml/",
            "defaultConfiguration": {"level": "error"},
        }
    ]
    error, warning = run["results"]
    assert (error["ruleId"], error["ruleIndex"], error["level"]) == ("some-rule", 0, "error")
    assert error["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "ci/a%20b.yml"},
        "region": {"startLine": 4, "startColumn": 7},
    }
    assert (warning["level"], "ruleIndex" in warning) == ("warning", False)


def test_fingerprints_survive_moved_lines() -> None:
    """A finding keeps its fingerprint when lines are added above it, also above a line that it names."""
    moved = replace(ERROR, message="'a' is wrong, first on line 13.", position=replace(ERROR.position, line=14))
    assert fingerprints.fingerprints([moved]) == fingerprints.fingerprints([ERROR])


def test_fingerprints_differ() -> None:
    """Two findings that say the same in one file have two fingerprints: GitLab would show only one otherwise."""
    one, two = fingerprints.fingerprints([ERROR, replace(ERROR, position=replace(ERROR.position, line=9))])
    assert one != two
