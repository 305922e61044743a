"""The page in a real Chromium: push, watch, start a manual job, read its log, see what is deployed where."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

from mcci.rehearsal.gitlab.server import Server
from mcci.rehearsal.gitlab.site import Site
from mcci.rehearsal.page.door import HEADER
from mcci.rehearsal.page.live import Live, Traffic
from mcci.rehearsal.page.routes import Page as Served
from mcci.rehearsal.runner.executor import Shell
from mcci.rehearsal.runner.runner import Runner
from mcci.simulation.status.model import Status
from tests.service.rehearsal.conftest import DEVELOPER, GUEST, MAINTAINER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from playwright.sync_api import Browser, Page

PARENT = """
stages: [child]
child: {stage: child, trigger: {include: child.yml, strategy: mirror}}
"""
CHILD = r"""
stages: [build, deploy]
build:
  stage: build
  script:
    - printf '\033[32mall is green\033[0m <b>and text</b>\n'
    - echo data > out.txt
  artifacts: {paths: [out.txt]}
flaky: {stage: build, script: [exit 3], allow_failure: true}
deploy:
  stage: deploy
  script: [echo "deployed by $GITLAB_USER_LOGIN", sleep 1]
  when: manual
  allow_failure: false
  manual_confirmation: Deploy to production?
  environment: {name: production/aws, deployment_tier: production, url: "https://vehicles.example"}
"""


class Cloud:
    """A cluster with a canary at 25 %."""

    name = "prod-aws"

    def weights(self) -> Mapping[str, Mapping[str, int]]:
        """Two versions of one service; another has one version."""
        return {"staff-service": {"v1": 75, "v2": 25}, "webapp": {"v1": 100}}

    def stable(self, service: str) -> str:
        """The version that the other is a canary beside."""
        return "v1"

    def traffic(self, service: str, version: str) -> Traffic:
        """What the metrics say."""
        return Traffic(rate=25.0, errors=1.5, p95=31.0) if version == "v2" else Traffic()

    def address(self, service: str) -> str:
        """No page."""
        return ""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start a headless Chromium."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("no chromium on PATH (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Serve a GitLab with its page, and a canary beside it, which was read twice."""
    site = Site(tmp_path / "gitlab", path="vehicles/app", users=[MAINTAINER, DEVELOPER, GUEST])
    live = Live([Cloud()])
    live.read(1000.0)
    live.read(1002.0)
    page = Served(site, live.body)
    site.__dict__["page"] = page
    with Server(site, more=page.routes()):
        yield site


@pytest.fixture
def link(site: Site) -> str:
    """The address that signs in."""
    found: Served = site.__dict__["page"]
    return found.link


@pytest.fixture
def runner(site: Site, tmp_path: Path) -> Iterator[None]:
    """Run jobs."""
    token = site.settings.runner_token
    with Runner(tmp_path / "runner", url=site.url, token=token, executor=lambda _: Shell(), jobs=2):
        yield


def test_push_watch_press(browser: Browser, site: Site, link: str, runner: None, pushed: Any) -> None:
    """A push appears, jobs turn as they run, a manual job asks first, its log comes live, and it is deployed."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(link)
    expect(page.locator("#connection")).to_have_text("live")
    expect(page.locator("#pipelines .none")).to_be_visible()
    assert "token" not in page.url

    pushed({".gitlab-ci.yml": PARENT, "child.yml": CHILD})
    child = page.locator("#pipeline-2")
    expect(page.locator("#pipeline-1 #pipeline-2")).to_be_visible()
    expect(child.locator(".title .status").first).to_contain_text("manual", timeout=20_000)
    expect(child.get_by_role("link", name="build: success")).to_be_visible()
    expect(child.get_by_role("link", name="flaky: failed, which is allowed")).to_be_visible()

    _read_a_log(page)
    _start_by_keyboard(page, site)
    expect(page.locator("#environments li")).to_contain_text("production/aws")
    expect(page.locator("#environments li")).to_contain_text("deploy, #2, by Ada", timeout=20_000)
    expect(page.locator("#pipeline-1 > .title")).to_contain_text("success")
    assert wrong == []
    context.close()


def _read_a_log(page: Page) -> None:
    page.get_by_role("link", name="build: success").click()
    panel = page.locator("#job")
    expect(panel.locator("h2")).to_have_text("✓ build")
    expect(page.locator("#job-title")).to_be_focused()
    expect(panel.get_by_text("all is green", exact=True)).to_be_visible()
    expect(panel.locator(".log")).to_contain_text("<b>and text</b>")
    assert "section_start" not in panel.locator(".log").inner_text()
    section = panel.locator("details").filter(has_text="all is green").last
    section.locator("summary").click()
    expect(panel.get_by_text("all is green", exact=True)).to_be_hidden()
    with page.expect_download() as download:
        panel.get_by_role("link", name=re.compile("artifacts")).click()
    assert download.value.path().stat().st_size > 0
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page.get_by_role("link", name="build: success")).to_be_focused()


def _start_by_keyboard(page: Page, site: Site) -> None:
    """Press ▶ and answer with the keyboard alone: no first, then yes."""
    button = page.get_by_role("button", name="Start deploy", exact=True)
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Deploy to production?")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert site.gitlab.pipelines[2].builds["deploy"].status is Status.MANUAL
    button.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")  # the first button is the answer
    link = page.locator("#pipeline-2").get_by_role("link", name=re.compile("^deploy: (pending|running|success)"))
    link.click()
    expect(page.locator("#job .log")).to_contain_text("deployed by ada", timeout=20_000)
    expect(page.locator("#job .facts")).to_contain_text("success", timeout=20_000)
    page.get_by_role("button", name="Close").click()


def test_a_push_without_a_pipeline(browser: Browser, site: Site, link: str, pushed: Any) -> None:
    """Why GitLab makes no pipeline of a push is shown until a push makes one."""
    pushed({".gitlab-ci.yml": "job: {stage: nowhere, script: [echo]}"})
    page = browser.new_page()
    page.goto(link)
    refused = page.locator("#pipelines .refused li")
    expect(refused).to_contain_text("The last push to main made no pipeline: ")
    expect(refused).to_contain_text("nowhere")
    pushed({".gitlab-ci.yml": "job: {script: [echo]}"})
    expect(page.locator("#pipeline-1")).to_be_visible()
    expect(refused).to_have_count(0)
    page.close()


def test_a_log_as_gitlab_draws_it(browser: Browser, site: Site, link: str, pushed: Any) -> None:
    """Sections nest, fold and tell their seconds; a rewritten line shows its last words; it grows."""
    pushed({".gitlab-ci.yml": "job: {script: [echo]}"})
    trace, end = site.gitlab.builds[1].trace, b"\r\x1b[0K"
    trace.append(b"section_start:10:outer" + end + b"\x1b[36;1mOuter\x1b[0;m\nin outer\n")
    trace.append(b"section_start:11:inner[collapsed=true]" + end + b"Inner\nin inner\nsection_end:14:inner" + end)
    trace.append(b"section_end:20:outer" + end + b"after 10 %\rafter 100 %\r\nunfinish")
    page = browser.new_page()
    page.goto(link)
    page.goto(f"{site.url}/#job-1")
    log = page.locator("#job .log")
    outer, inner = log.locator("> details"), log.locator("> details > details")
    expect(outer.locator("> summary")).to_have_text("Outer10 s")
    expect(inner.locator("> summary")).to_have_text("Inner3 s")
    expect(log.get_by_text("in outer")).to_be_visible()
    expect(log.get_by_text("in inner")).to_be_hidden()
    inner.locator("> summary").press("Enter")
    expect(log.get_by_text("in inner")).to_be_visible()
    expect(log.locator("> .line")).to_have_text(["after 100 %", "unfinish"])
    trace.append("ed \N{SNOWMAN}".encode()[:-1])
    trace.append("\N{SNOWMAN}".encode()[-1:] + b"\n")
    expect(log.locator("> .line")).to_have_text(["after 100 %", "unfinished \N{SNOWMAN}"])
    page.close()


def test_the_end_of_a_long_log(browser: Browser, site: Site, link: str, pushed: Any) -> None:
    """Of a long log the last half of a MiB is shown, and how much is not."""
    pushed({".gitlab-ci.yml": "job: {script: [echo]}"})
    trace = site.gitlab.builds[1].trace
    trace.append(b"the beginning\n" + b"x" * 1024 * 1024 + b"\nthe end\n")
    page = browser.new_page()
    page.goto(link)
    page.goto(f"{site.url}/#job-1")
    expect(page.locator("#job .log .line").last).to_have_text("the end")
    expect(page.locator("#job .cut")).to_have_text("The log's end; 512 KB before it are not shown.")
    expect(page.locator("#job .log")).not_to_contain_text("the beginning")
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_no_known_barrier(browser: Browser, site: Site, link: str, pushed: Any, scheme: Any, width: int) -> None:
    """axe-core finds no barrier, in both themes; on a phone nothing is wider than the screen; canaries are shown."""
    pushed({".gitlab-ci.yml": CHILD})
    site.gitlab.builds[1].trace.append(b"section_start:1:a\r\x1b[0K\x1b[36;1mWork\x1b[0;m\n\x1b[31mred\x1b[0m\n")
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page = context.new_page()
    page.goto(link)
    expect(page.locator("#canaries .weights .canary")).to_have_text("v2 25 %")
    expect(page.locator("#canaries tr").filter(has_text="v2")).to_contain_text("25.01.50 %31 ms")
    expect(page.locator("#canaries article")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    page.goto(f"{site.url}/vehicles/app/-/jobs/1")
    expect(page.locator("#job .log")).to_contain_text("red")
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    context.close()


def test_who_may_see_and_change(site: Site, link: str, pushed: Any) -> None:
    """Nothing is shown without a session; the link works once; what is not the page itself changes nothing."""
    pushed({".gitlab-ci.yml": CHILD})
    paths = ["/", "/-/page/events", "/-/page/page.js", "/-/page/jobs/1/log", "/-/page/jobs/1/artifacts/0"]
    with httpx.Client(base_url=site.url) as stranger:
        assert [stranger.get(path).status_code for path in paths] == [401] * len(paths)
        assert stranger.get("/-/sign-in?token=guess").status_code == 401
        assert stranger.post("/-/page/jobs/3/cancel", headers={HEADER: "1"}).status_code == 401
        answer = stranger.get(link)
        assert answer.status_code == 303
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert stranger.get("/").status_code == 200  # no stranger any more
        assert stranger.get("/-/page/../../setup.cfg").status_code == 404
        assert stranger.get("/-/page/routes.py").status_code == 404
        own = {HEADER: "1", "Origin": site.url}
        refused = [{}, {HEADER: "1", "Origin": "http://127.0.0.1:1"}, {"Origin": site.url}]
        assert [stranger.post("/-/page/jobs/1/cancel", headers=each).status_code for each in refused] == [401] * 3
        assert site.gitlab.builds[1].status.value == "pending"
        assert stranger.post("/-/page/jobs/1/cancel", headers=own).status_code == 200
        assert site.gitlab.builds[1].status.value == "canceled"
        twice = stranger.post("/-/page/jobs/1/cancel", headers=own)
        assert (twice.status_code, "cannot be canceled" in twice.json()["message"]) == (409, True)
        assert stranger.post("/-/page/pipelines/1/cancel", headers=own).status_code == 200
        assert stranger.post("/-/page/jobs/99/play", headers=own).status_code == 404
    assert httpx.get(link).status_code == 401
