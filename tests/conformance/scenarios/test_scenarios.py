"""The scenario corpus: what GitLab does as its documentation and its own tests show it, played by the status engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcci.errors import ExitCode
from mcci.simulation.status import scenario
from mcci.simulation.status.scenario_file import read

SCENARIOS = sorted(Path(__file__).parent.glob("*.yml"))
SOURCES = ("https://docs.gitlab.com/", "https://gitlab.com/gitlab-org/gitlab/-/blob/master/")


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_statuses_are_as_gitlab_has_them(path: Path) -> None:
    """Every status that the scenario expects is the one there is, after each of its events."""
    report = scenario.run(path.read_text(), path.name)
    assert report.exit_code is ExitCode.DONE, report.text()


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_scenario_says_what_it_shows_and_who_says_so(path: Path) -> None:
    """A scenario has a title, names the GitLab page or test whose behaviour it shows, and expects something."""
    read_scenario = read(path.read_text(), path.name)
    assert read_scenario.title
    assert read_scenario.source.startswith(SOURCES)
    assert any(step.expected for step in read_scenario.steps)


def test_corpus_is_large_enough() -> None:
    """There are at least 120 scenarios, no two with one title."""
    titles = {read(path.read_text(), path.name).title for path in SCENARIOS}
    assert len(titles) == len(SCENARIOS) >= 120


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_wrong_expectation_is_a_difference(path: Path) -> None:
    """A scenario that expects another pipeline status at the start does not pass: the comparison is real."""
    text = path.read_text()
    wrong = text.replace("    pipeline: ", "    pipeline: created #", 1)
    assert wrong != text
    report = scenario.run(wrong, path.name)
    assert report.exit_code is ExitCode.NO
    assert report.differences[0].expected == "created"
