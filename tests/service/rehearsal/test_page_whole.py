"""A whole delivery by clicks: pushes to a rehearsal with a lab, and a person at the page in a real Chromium.

v3 of staff-service is bad: the person sees its errors, the judge takes it back, and the person aborts. v2 goes all the
way. Pictures of the page are left in the test's folder, at a desk's and a phone's width, light and dark.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

from tests.service.engine import wheels
from tests.tools.helm import helm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page

SERVICE = "staff-service"
MINUTE = 60_000.0  # milliseconds
PATIENCE = 15 * MINUTE
SCENARIO = """
title: A delivery by clicks
lab: {base_image: local}
seconds: 3600
steps:
  - push: {branch: development, message: The first release}
  - wait: {branch: development, for: success, seconds: 1500}
  - wait: {branch: deployment, job: verify production/prod-azure, for: success, seconds: 1500}
  - load: {service: staff-service, path: /drivers/v-0001, rate: 60}
  - push:
      branch: development
      message: A bad version
      replace: {staff-service/Dockerfile: {ARG SERVICE_VERSION=v1: ARG SERVICE_VERSION=v3}}
  - wait: {branch: development, for: success, seconds: 1500}
  - wait: {branch: deployment, job: abort staff-service, for: success, seconds: 1500}
  - traffic: {service: staff-service, canary: 0}
  - push:
      branch: development
      message: A good version
      replace: {staff-service/Dockerfile: {ARG SERVICE_VERSION=v3: ARG SERVICE_VERSION=v2}}
  - wait: {branch: development, for: success, seconds: 1500}
  - wait: {branch: deployment, job: promote staff-service, for: success, seconds: 1500}
  - traffic: {service: staff-service, canary: 100}
"""


def project(folder: Path) -> Path:
    """Copy the sample application with one service, delivered to production alone; return the scenario's file."""
    shutil.copytree(wheels.SAMPLE, folder, ignore=shutil.ignore_patterns(*wheels.MADE))
    file = folder / "mcci.yml"
    config = yaml.safe_load(file.read_text())
    config["services"] = {SERVICE: {"canary": {"clusters": ["prod-azure"]}}}
    config["defaults"]["clusters"] = ["prod-aws"]
    config["environments"].pop("stage")
    config["clusters"].pop("stage-aws")
    config["canary"] = {
        "steps": [10, 100], "bake": "20s", "rollback_window": "1m", "gate": "manual", "analysis": {"min_requests": 50},
    }  # fmt: skip
    file.write_text(yaml.safe_dump(config, sort_keys=False))
    scenario = folder / "scenarios" / "clicks.yml"
    scenario.write_text(SCENARIO)
    return scenario


class Rehearsal:
    """`mcci rehearse --serve`, and what it has said."""

    def __init__(self, scenario: Path) -> None:
        own = ("CI_", "GITLAB_", "MCCI_", "KUBECONFIG", "DOCKER_HOST")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(own)}
        environment["PATH"] = f"{helm('3').parent}{os.pathsep}{environment['PATH']}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mcci", "rehearse", str(scenario), "--serve", "--jobs", "2", "--show", SERVICE],
            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        self.said.extend(iter(self.process.stderr.readline, ""))

    def wait_for(self, pattern: str, seconds: float) -> re.Match[str]:
        """Wait until it says this."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            if found := re.search(pattern, "".join(self.said)):
                return found
            time.sleep(0.2)
        raise AssertionError("".join(self.said)[-4000:])

    def interrupt(self) -> int:
        """Press Ctrl-C, and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        code = self.process.wait(180)
        self._reader.join()
        assert self.process.stderr is not None
        self.process.stderr.close()
        return code


@pytest.fixture
def rehearsal(tmp_path: Path) -> Iterator[Rehearsal]:
    """Start the rehearsal, and end it whatever happens."""
    found = Rehearsal(project(tmp_path / "vehicles"))
    yield found
    if found.process.poll() is None:
        found.interrupt()


@pytest.fixture
def page(rehearsal: Rehearsal) -> Iterator[Page]:
    """Open the page."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no chromium on PATH (Debian: apt-get install chromium)")
    address = rehearsal.wait_for(r"the page is at (\S+)", 180)[1]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        opened = browser.new_page(viewport={"width": 1280, "height": 900})
        opened.goto(address)
        yield opened
        browser.close()


def newest(page: Page) -> Locator:
    """Return the newest pipeline, its children in it: older ones have manual jobs of the same names."""
    return page.locator("#pipelines > .list > .pipeline").first


def link(page: Page, job: str) -> Locator:
    """Return the newest pipeline's job."""
    escaped = re.escape(job).replace("/", r"\/")  # the browser's regular expressions end at a slash
    return newest(page).get_by_role("link", name=re.compile(f"^{escaped}: "))


def start(page: Page, job: str) -> None:
    """Start a job by its button, and say yes."""
    newest(page).get_by_role("button", name=f"Start {job}", exact=True).click(timeout=PATIENCE)
    dialog = page.locator("#confirm")
    expect(dialog).to_be_visible()
    dialog.locator(".yes").click()
    expect(dialog).to_be_hidden()


def press(page: Page, job: str, then: str = "success") -> None:
    """Start a job, and wait for how it ends."""
    start(page, job)
    expect(link(page, job)).to_have_accessible_name(re.compile(f": {then}"), timeout=PATIENCE)


def deploy(page: Page) -> None:
    """Deploy to both clouds, one after the other."""
    for cluster in ("prod-aws", "prod-azure"):
        press(page, f"deploy production/{cluster}")


def pictures(page: Page, folder: Path, name: str) -> None:
    """Take pictures at both widths in both themes; nothing is wider than the screen, and there is no known barrier."""
    for width in (1280, 360):
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth") == width, (name, width)
            results = Axe().run(page, options={"iframes": False})
            assert results.violations_count == 0, results.generate_report()
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme="light")


@pytest.mark.faults
@pytest.mark.slow
def test_delivery_by_clicks(rehearsal: Rehearsal, page: Page, tmp_path: Path) -> None:
    """Everything that people do between a push and 100 % is done on the page, and the page shows what comes of it."""
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    shown = tmp_path / "pictures"
    shown.mkdir()
    deploy(page)
    expect(page.locator("#environments")).to_contain_text("production/prod-azure")
    pictures(page, shown, "deployed")

    canary = page.locator("#canaries .weights .canary").first
    _bad_version(page, shown)
    deploy(page)
    press(page, f"canary {SERVICE} 10")
    expect(canary).to_have_text(re.compile(r"^v[0-9a-f]{10} 10 %$"), timeout=MINUTE)
    pictures(page, shown, "ten")
    press(page, f"canary {SERVICE} 100")
    press(page, f"promote {SERVICE}")
    expect(page.locator("#canaries .weights")).to_contain_text("100 %", timeout=MINUTE)
    expect(page.locator("#application iframe")).to_be_visible()
    rehearsal.wait_for("the page stays until Ctrl-C", 300)
    pictures(page, shown, "promoted")
    assert wrong == []
    assert rehearsal.interrupt() == 0, "".join(rehearsal.said)[-4000:]


def _bad_version(page: Page, shown: Path) -> None:
    """Give v3 10 %, see its errors and why it went back, and abort."""
    deploy(page)
    job = f"canary {SERVICE} 10"
    start(page, job)
    row = page.locator("#canaries tr").filter(has_text="10 %")
    expect(row).to_contain_text(re.compile(r"10 %[\d.]+[1-9]\d*\.\d\d %"), timeout=2 * MINUTE)  # weight, rate, errors
    page.screenshot(path=shown / "bad.png", full_page=True)
    expect(link(page, job)).to_have_accessible_name(re.compile(": failed"), timeout=PATIENCE)
    link(page, job).click()
    expect(page.locator("#job .log")).to_contain_text("rolled back")
    expect(page.locator("#job .facts")).to_contain_text("exit code 4")
    pictures(page, shown, "why")
    page.keyboard.press("Escape")
    press(page, f"abort {SERVICE}")
    expect(page.locator("#canaries tr").filter(has_text="10 %")).to_have_count(0)
