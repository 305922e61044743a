"""The page on a phone: canaries with the names and figures of real ones fit a screen that is 360 pixels wide."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect, sync_playwright

from mcci.rehearsal.gitlab.server import Server
from mcci.rehearsal.gitlab.site import Site
from mcci.rehearsal.page.live import Live, Traffic
from mcci.rehearsal.page.routes import Page as Served
from tests.service.rehearsal.conftest import MAINTAINER

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

WIDTH = 360


class Cloud:
    """A cluster with a canary that fares badly, and a version that is gone."""

    name = "prod-azure"

    def weights(self) -> Mapping[str, Mapping[str, int]]:
        """Names as `mcci deploy` makes them."""
        return {"position-simulator": {"v55a6719446": 90, "v3388a419f4": 10, "vd0b7e8a2c4": 0}}

    def stable(self, service: str) -> str:
        """The version that the others are canaries beside."""
        return "v55a6719446"

    def traffic(self, service: str, version: str) -> Traffic:
        """Many requests, most of them failed, and slow."""
        if version == "vd0b7e8a2c4":
            return Traffic()
        return Traffic(rate=1234.5, errors=100.0, p95=12275.0)

    def address(self, service: str) -> str:
        """An address at which nobody answers."""
        return "http://127.0.0.1:9/"


def test_fits(tmp_path: Path) -> None:
    """Nothing is wider than the screen, and every figure is on it."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no chromium on PATH (Debian: apt-get install chromium)")
    live = Live([Cloud()], "webapp")
    live.read(1000.0)
    site = Site(tmp_path / "gitlab", path="vehicles/app", users=[MAINTAINER])
    served = Served(site, live.body)
    with Server(site, more=served.routes()), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": 800})
        page.goto(served.link)
        row = page.locator("#canaries tr").filter(has_text="v3388a419f4")
        expect(row).to_contain_text("12275 ms")
        expect(page.get_by_role("navigation").get_by_role("link")).to_have_count(4)
        page.screenshot(path=tmp_path / "narrow.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") == WIDTH
        last = row.locator("td").last.bounding_box()
        assert last
        assert last["x"] + last["width"] <= WIDTH
        browser.close()
