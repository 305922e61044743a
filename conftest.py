"""What holds for every test: which are service tests, and that in CI a missing part is a failure."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Generator

ROOT = Path(__file__).parent
# Folders whose tests run real parts: processes, an engine, helm, a browser.
SERVICE_FOLDERS = ("tests/service", "tests/charts", "tests/docs", "sample-app/tests")

# Tests try the same examples every time, so that a change is judged and not the luck of the day; `make fuzz` explores.
settings.register_profile("same", derandomize=True, deadline=None, max_examples=50)
settings.register_profile("fuzz", deadline=None, max_examples=300)
settings.load_profile("fuzz" if os.environ.get("MCCI_FUZZ") else "same")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that are not unit tests."""
    for item in items:
        if any(item.path.is_relative_to(ROOT / folder) for folder in SERVICE_FOLDERS):
            item.add_marker(pytest.mark.service)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI turn a skip into a failure: what a laptop may lack, CI must have."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longreprtext}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a module that skips itself while it is collected."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longreprtext}"
    return report
