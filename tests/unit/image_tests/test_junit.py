"""The report is one that GitLab reads, whatever the tests printed."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from mcci.delivery.image_tests.junit import KEPT, Case, Outcome, report

WHEN = "2026-01-02T03:04:05"


def test_the_whole_report() -> None:
    """Each case has its name and time; failures, errors and skips are told apart, and counted."""
    cases = [
        Case(name="starts", outcome=Outcome.PASSED, seconds=1.25),
        Case(name="curl x", outcome=Outcome.FAILED, seconds=0.5, message="exit code 22", output="\x1b[31m404\x1b[0m"),
        Case(name="run", outcome=Outcome.ERROR, message="gone"),
        Case(name="tests", outcome=Outcome.SKIPPED, message="unchanged"),
    ]
    assert report("web", cases, WHEN) == (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        "<testsuites>\n"
        f'  <testsuite name="web" timestamp="{WHEN}" tests="4" failures="1" errors="1" skipped="1" time="1.750">\n'
        '    <testcase classname="web" name="starts" time="1.250" />\n'
        '    <testcase classname="web" name="curl x" time="0.500">\n'
        '      <failure message="exit code 22">404</failure>\n'
        "    </testcase>\n"
        '    <testcase classname="web" name="run" time="0.000">\n'
        '      <error message="gone" />\n'
        "    </testcase>\n"
        '    <testcase classname="web" name="tests" time="0.000">\n'
        '      <skipped message="unchanged" />\n'
        "    </testcase>\n"
        "  </testsuite>\n"
        "</testsuites>\n"
    )


@given(st.text(st.characters(), max_size=200), st.sampled_from(Outcome))
def test_any_output_is_xml(text: str, outcome: Outcome) -> None:
    """Whatever bytes a test prints, control characters and lone surrogates included, the report can be parsed."""
    found = report("web", [Case(name=text or "x", outcome=outcome, message=text, output=text)], WHEN)
    ElementTree.fromstring(found.encode())


def test_long_output_is_cut_at_its_beginning() -> None:
    """Of a long output the end is kept: that is where the failure is."""
    found = report("web", [Case(name="x", outcome=Outcome.PASSED, output="a" * KEPT + "end")], WHEN)
    text = ElementTree.fromstring(found.encode()).findtext(".//system-out") or ""
    assert len(text) == KEPT
    assert text.endswith("end")
