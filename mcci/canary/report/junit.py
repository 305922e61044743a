"""A canary command as a JUnit report: the move and the verdict as tests, so that GitLab shows them in the pipeline.

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

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Result(Enum):
    """How a case ended; the value is JUnit's element, empty for one that passed."""

    PASSED = ""
    FAILED = "failure"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One line of the report."""

    name: str
    result: Result = Result.PASSED
    message: str = ""
    text: str = ""


def report(service: str, cases: Sequence[Case], timestamp: str, seconds: float) -> str:
    """Return the report of one command on `service`; `timestamp` is in ISO 8601."""
    suite = ElementTree.Element(
        "testsuite",
        name=f"canary {service}",
        timestamp=timestamp,
        tests=str(len(cases)),
        failures=str(sum(case.result is Result.FAILED for case in cases)),
        errors="0",
        skipped=str(sum(case.result is Result.SKIPPED for case in cases)),
        time=f"{seconds:.3f}",
    )
    for case in cases:
        element = ElementTree.SubElement(suite, "testcase", classname=f"canary.{service}", name=_clean(case.name))
        if case.result is Result.PASSED:
            if case.text:
                ElementTree.SubElement(element, "system-out").text = _clean(case.text)
        else:
            found = ElementTree.SubElement(element, case.result.value, message=_clean(case.message))
            found.text = _clean(case.text) or None
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
