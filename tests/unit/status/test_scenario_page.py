"""The reference page of scenarios says what a scenario may say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mcci.simulation.events import Source
from mcci.simulation.status import scenario_file
from mcci.simulation.status.model import Status
from mcci.simulation.status.resources import ProcessMode
from mcci.simulation.status.scenario_model import Event

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "scenarios.md").read_text(encoding="utf-8")


def keys(*headings: str) -> set[str]:
    """Return what the first columns of the page's tables with this heading name."""
    found: set[str] = set()
    for table in re.findall(r"(?:^\|.*\n)+", PAGE, re.M):
        if table.split("|")[1].strip() in headings:
            found.update(name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1]))
    return found


def test_every_key_is_described() -> None:
    """The tables have the keys that the reader takes, and no others."""
    assert keys("key") == scenario_file._SCENARIO_KEYS | scenario_file._STEP_KEYS | scenario_file._EXPECT_KEYS


def test_every_event_is_described() -> None:
    """The table of events has those that there are."""
    assert keys("event") == {event.value for event in Event}


@pytest.mark.parametrize("value", [each.value for kind in (Status, ProcessMode) for each in kind])
def test_every_value_is_named(value: str) -> None:
    """Each status and each process mode stands on the page."""
    assert f"`{value}`" in PAGE


def test_the_default_source_is_named() -> None:
    """The page names sources that there are."""
    row = next(line for line in PAGE.splitlines() if line.startswith("| `pipeline_source`"))
    assert set(re.findall(r"`([a-z_]+)`", row)[1:]) <= {source.value for source in Source}
