"""The whole application running, and a real browser to look at it with."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from localrun.charts import find_helm
from localrun.fleet import Fleet
from localrun.services import SetupError, from_source

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Without the browser's library (webapp's extra `test`) a laptop leaves these files out; CI fails on their imports.
if find_spec("playwright") is None and not os.environ.get("CI"):
    collect_ignore = ["test_page.py", "test_charts.py"]

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """The six services with thirty vehicles."""
    environment = {
        "position-simulator": {"VEHICLES": "30"},
        "vehicle-telemetry": {"INTERVAL_SECONDS": "0.2"},
        "api-gateway": {"PROBE_SECONDS": "0.2"},
    }
    logs: Path = tmp_path_factory.mktemp("logs")
    with Fleet(from_source(environment=environment, logs=logs)) as fleet:
        fleet.start_all()
        yield fleet


@pytest.fixture(scope="session")
def helm() -> Path:
    """A real helm, by the same rule as the browser."""
    try:
        return find_helm()
    except SetupError as error:
        missing(str(error))


def missing(message: str) -> NoReturn:
    """What a test needs is not on this machine: a failure in CI, a skip elsewhere."""
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium. Without one a laptop skips these tests; CI, where they must run, fails."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        missing("no Chromium on PATH; on Debian: apt-get install chromium")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=15_000)  # a busy machine is slow, not wrong

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()
