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


class Pictures:
    """Pictures at both widths in both themes, and what is wrong with them: too wide, or a known barrier."""

    def __init__(self, page: Page, folder: Path) -> None:
        self.wrong: list[str] = []
        self._page, self._folder = page, folder
        folder.mkdir()

    def take(self, name: str) -> None:
        """Take one of each."""
        for width in (1280, 360):
            for scheme in ("light", "dark"):
                self._page.set_viewport_size({"width": width, "height": 900})
                self._page.emulate_media(color_scheme=scheme)
                self.one(f"{name}-{width}-{scheme}")
                if self._page.evaluate("document.documentElement.scrollWidth") != width:
                    self.wrong.append(f"{name} is wider than {width}")
                # a job that was scrolled aside is no skip link
                results = Axe().run(self._page, options={"rules": {"skip-link": {"enabled": False}}})
                if results.violations_count:
                    self.wrong.append(f"{name} {width} {scheme}: {results.generate_report()}")
        self._page.set_viewport_size({"width": 1280, "height": 900})
        self._page.emulate_media(color_scheme="light")

    def one(self, name: str) -> None:
        """Take one as the page is."""
        self._page.screenshot(path=self._folder / f"{name}.png", full_page=True)


@pytest.mark.faults
@pytest.mark.slow
def test_delivery_by_clicks(rehearsal: Rehearsal, page: Page, tmp_path: Path) -> None:
    """Everything that people do between a push and 100 % is done on the page, and the page shows what comes of it."""
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    pictures = Pictures(page, tmp_path / "pictures")
    deploy(page)
    expect(page.locator("#environments")).to_contain_text("production/prod-azure")
    pictures.take("deployed")

    _bad_version(page, pictures)
    deploy(page)
    press(page, f"canary {SERVICE} 10")
    expect(page.locator("#canaries .weights .canary")).to_have_text(re.compile(r"^v[0-9a-f]{10} 10 %$"), timeout=MINUTE)
    pictures.take("ten")
    press(page, f"canary {SERVICE} 100")
    press(page, f"promote {SERVICE}")
    expect(page.locator("#canaries .weights").first).to_contain_text("100 %", timeout=MINUTE)
    expect(page.locator("#application iframe")).to_be_visible()
    rehearsal.wait_for("the page stays until Ctrl-C", 300)
    pictures.take("promoted")
    assert (wrong, pictures.wrong) == ([], [])
    assert rehearsal.interrupt() == 0, "".join(rehearsal.said)[-4000:]


def _bad_version(page: Page, pictures: Pictures) -> None:
    """Give v3 10 %, see its errors and why it went back, and abort."""
    deploy(page)
    job = f"canary {SERVICE} 10"
    start(page, job)
    ten = page.locator("#canaries tr").filter(has=page.locator("td:nth-child(2)", has_text=re.compile("^10 %$")))
    expect(ten.locator("td:nth-child(4)")).to_have_text(re.compile(r"^[1-9]\d*\.\d\d %$"), timeout=2 * MINUTE)
    pictures.one("bad")
    expect(link(page, job)).to_have_accessible_name(re.compile(": failed"), timeout=PATIENCE)
    link(page, job).click()
    expect(page.locator("#job .log")).to_contain_text("rolled back")
    expect(page.locator("#job .facts")).to_contain_text("exit code 4")
    pictures.take("why")
    page.keyboard.press("Escape")
    press(page, f"abort {SERVICE}")
    expect(ten).to_have_count(0)
