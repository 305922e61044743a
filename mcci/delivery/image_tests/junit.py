"""What was tested, as the JUnit report that GitLab shows in merge requests; pure.

Source: https://docs.gitlab.com/ci/testing/unit_test_reports/#unit-test-reporting-workflow
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from collections.abc import Sequence

KEPT = 64 * 1024  # characters of a test's output: GitLab shows the end, and drops reports that are too large
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Outcome(Enum):
    """How a test ended: `ERROR` is one that could not be carried out."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test: its name, how it ended and in how many seconds, why, and what it printed."""

    name: str
    outcome: Outcome
    seconds: float = 0.0
    message: str = ""
    output: str = ""


def report(service: str, cases: Sequence[Case], timestamp: str) -> str:
    """Return the report of one service's tests; `timestamp` is in ISO 8601."""
    suite = ElementTree.Element(
        "testsuite",
        name=service,
        timestamp=timestamp,
        tests=str(len(cases)),
        failures=str(_count(cases, Outcome.FAILED)),
        errors=str(_count(cases, Outcome.ERROR)),
        skipped=str(_count(cases, Outcome.SKIPPED)),
        time=f"{sum(case.seconds for case in cases):.3f}",
    )
    for case in cases:
        element = ElementTree.SubElement(
            suite, "testcase", classname=service, name=_clean(case.name), time=f"{case.seconds:.3f}"
        )
        tag = {Outcome.FAILED: "failure", Outcome.ERROR: "error", Outcome.SKIPPED: "skipped"}.get(case.outcome)
        if tag:
            ElementTree.SubElement(element, tag, message=_clean(case.message)).text = _clean(case.output) or None
        elif case.output:
            ElementTree.SubElement(element, "system-out").text = _clean(case.output)
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _count(cases: Sequence[Case], outcome: Outcome) -> int:
    return sum(case.outcome is outcome for case in cases)


def _clean(text: str) -> str:
    """Return the end of `text` without colours and without what XML cannot hold."""
    plain = re.sub(r"\x1b\[[0-9;?]*[ -/]*[@-~]", "", text)
    return _NOT_XML.sub("\ufffd", plain[-KEPT:])
