"""The page in a real browser: what a person sees and does, and what happens when a service is lost."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

from localrun.fleet import Fleet

pytestmark = pytest.mark.service

PATIENCE = 15.0
PLACES = "[...fleet.traffic.toX].map((x, i) => [x, fleet.traffic.toY[i]])"
ON_SCREEN = """name => {
    const { traffic, view } = fleet, i = traffic.index.get(name), box = view.element.getBoundingClientRect();
    const [x, y] = view.view.toScreen(traffic.x[i], traffic.y[i]);
    return [x + box.left, y + box.top];
}"""
ALONE = """() => {
    const { traffic: { names, x, y }, view } = fleet, far = 34 / view.view.scale;
    const lonely = i => x.every((_, j) => i === j || Math.hypot(x[j] - x[i], y[j] - y[i]) > far);
    const seen = i => { const [left, top] = view.view.toScreen(x[i], y[i]);
        return left > 90 && top > 20 && left < view.view.width - 20 && top < view.view.height - 60; };
    return names.find((_, i) => lonely(i) && seen(i));
}"""

OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, fleet: Fleet) -> Iterator[OpenPage]:
    """Opens the page and waits for vehicles; at the end no script failed and nothing outside was asked for."""
    errors: list[str] = []
    hosts: set[str] = set()
    contexts = []

    def note(message: ConsoleMessage) -> None:
        # A lost service shows as a failed request in the console: that is the browser's own line, not a script's.
        if message.type == "error" and "Failed to load resource" not in message.text:
            errors.append(message.text)

    def open_one(fragment: str = "", **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", note)
        page.on("request", lambda request: hosts.add(host_of(request)))
        page.goto(fleet.url("webapp") + fragment)
        until(page, "globalThis.fleet?.traffic.count === 30 && !fleet.traffic.fresh")
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert errors == []
    assert hosts <= {f"127.0.0.1:{fleet.services['webapp'].port}", ""}


def until(page: Page, expression: str, argument: object = None) -> Any:
    """What `expression` is as soon as it holds in the page. Playwright's own wait needs eval: forbidden here."""
    deadline = time.monotonic() + PATIENCE
    while not (value := page.evaluate(expression, argument)):
        assert time.monotonic() < deadline, f"not within {PATIENCE} s: {expression}"
        page.wait_for_timeout(40)
    return value


def host_of(request: Request) -> str:
    """Host and port of a request; none for data URLs."""
    return urlsplit(request.url).netloc


@contextmanager
def without(fleet: Fleet, name: str) -> Iterator[None]:
    """The application without one of its services, which is back at the end."""
    fleet.stop(name)
    try:
        yield
    finally:
        fleet.start_one(name)


def service(page: Page, name: str) -> Any:
    """The line of a service in the panel."""
    return page.locator(f'#services li[data-name="{name}"]')


def wait_for_movement(page: Page) -> None:
    """Return when most vehicles have moved."""
    before = page.evaluate(PLACES)
    moved = f"before => {PLACES}.filter(([x, y], i) => Math.hypot(x - before[i][0], y - before[i][1]) > 1).length > 20"
    until(page, moved, before)


def test_vehicles_move(open_page: OpenPage) -> None:
    """Positions change, and so do the pixels of the map."""
    page = open_page()
    picture = page.locator("#traffic").screenshot()
    wait_for_movement(page)
    assert page.locator("#traffic").screenshot() != picture
    expect(page.locator("#count")).to_have_text("30")
    expect(page.locator("#mean")).to_have_text(re.compile(r"\d+\.\d km/h"))


def test_a_click_shows_trail_speed_and_driver(open_page: OpenPage) -> None:
    """A vehicle that is clicked shows its driver with a photo, its speed, its trail, and who answered where."""
    page = open_page()
    name = until(page, ALONE)
    page.mouse.click(*page.evaluate(ON_SCREEN, name))
    expect(page.locator("#name")).to_have_text(name)
    expect(page.locator("#driver")).to_have_text(re.compile(r"^[A-Z]\w+ [A-Z]\w+$"))
    expect(page.locator("#photo img")).to_have_js_property("complete", True)
    assert page.locator("#photo img").evaluate("image => image.naturalWidth") > 0
    expect(page.locator("#answer")).to_have_text("staff-service v2 in local")
    expect(page.locator("#speed")).to_have_text(re.compile(r"^[1-9]\d?$"))
    until(page, "fleet.view.trail.length > 2")
    page.locator("#map").press("Escape")
    expect(page.locator("#vehicle")).to_be_hidden()


def test_everything_can_be_done_from_the_keyboard(open_page: OpenPage) -> None:
    """Search, choose, step through vehicles, zoom, pan, follow and close without a mouse."""
    page = open_page()
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("0012")
    page.keyboard.press("Enter")
    expect(page.locator("#name")).to_have_text("v-0012")
    expect(page.locator("#said")).to_have_text("v-0012 chosen")
    page.locator("#search").fill("")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#name")).to_have_text("v-0002")
    page.locator("#map").focus()
    page.keyboard.press("n")
    expect(page.locator("#name")).to_have_text("v-0003")
    page.keyboard.press("p")
    page.keyboard.press("p")
    expect(page.locator("#name")).to_have_text("v-0001")
    scale = page.evaluate("fleet.view.view.scale")
    page.keyboard.press("+")
    until(page, "before => fleet.view.view.scale > before * 1.3", scale)
    middle = page.evaluate("fleet.view.view.x")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("fleet.view.view.x") > middle
    page.keyboard.press("f")
    expect(page.locator("#follow")).to_have_attribute("aria-pressed", "true")
    until(page, "Math.abs(fleet.view.view.x - fleet.traffic.x[0]) < 5")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#follow")).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("Escape")
    expect(page.locator("#vehicle")).to_be_hidden()


def test_dragging_and_the_wheel_move_the_map(open_page: OpenPage) -> None:
    """A drag pans by as much, and chooses nothing; the wheel zooms about the pointer."""
    page = open_page()
    before = page.evaluate("[fleet.view.view.x, fleet.view.view.scale]")
    page.mouse.move(500, 400)
    page.mouse.down()
    page.mouse.move(400, 400, steps=5)
    page.mouse.up()
    after = page.evaluate("fleet.view.view.x")
    assert (after - before[0]) * before[1] == pytest.approx(100, abs=8)
    expect(page.locator("#vehicle")).to_be_hidden()
    under = page.evaluate("fleet.view.view.toMap(400, 340)")
    page.mouse.move(400, 340 + page.locator("#map").evaluate("map => map.getBoundingClientRect().top"))
    page.mouse.wheel(0, -300)
    until(page, "before => fleet.view.view.scale > before", before[1])
    assert page.evaluate("fleet.view.view.toMap(400, 340)") == pytest.approx(under, abs=1)


def test_a_link_opens_a_vehicle(open_page: OpenPage) -> None:
    """The address names the vehicle that is chosen, and opens it again."""
    page = open_page("#v-0005")
    expect(page.locator("#name")).to_have_text("v-0005")
    page.locator("#map").press("n")
    page.wait_for_url("**#v-0006")


def test_an_unknown_vehicle_is_said_to_be_unknown(open_page: OpenPage) -> None:
    """A link to a vehicle that does not exist says so, and is not taken for a lost service."""
    page = open_page("#v-9999")
    expect(page.locator("#driver")).to_have_text("No such vehicle")
    expect(page.locator("#speed")).to_have_text("–")


def test_markup_in_the_address_is_only_text(open_page: OpenPage) -> None:
    """A hostile address adds nothing to the page."""
    page = open_page("#<img src=x onerror=alert(1)>")
    expect(page.locator("#vehicle")).to_be_visible()
    assert page.locator("#vehicle img").count() == 0


def test_lost_staff_service_shows_and_comes_back(open_page: OpenPage, fleet: Fleet) -> None:
    """Without staff-service the driver is unknown and the rest goes on; when it is back, so is the driver."""
    page = open_page("#v-0001")
    expect(page.locator("#answer")).to_have_text("staff-service v2 in local")
    with without(fleet, "staff-service"):
        expect(service(page, "staff-service")).to_have_text("staff-servicelost")
        expect(page.locator("#driver")).to_have_text("Driver unknown")
        expect(page.locator("#answer")).to_have_text("staff-service is lost")
        expect(page.locator("#said")).to_have_text("staff-service is lost")
        expect(page.locator("#speed")).to_have_text(re.compile(r"\d"))
        wait_for_movement(page)
    expect(service(page, "staff-service")).to_have_text("staff-servicev2 · local")
    expect(page.locator("#driver")).not_to_have_text("Driver unknown")


def test_lost_tracker_stops_the_vehicles_until_it_is_back(open_page: OpenPage, fleet: Fleet) -> None:
    """Without the tracker vehicles stand, and the page says why; then they move again, without a reload."""
    page = open_page()
    with without(fleet, "position-tracker"):
        expect(page.locator("#notice")).to_contain_text("position-tracker is lost", timeout=10_000)
        expect(service(page, "position-tracker")).to_have_attribute("data-state", "lost")
    expect(service(page, "position-tracker")).to_have_attribute("data-state", "up")
    wait_for_movement(page)
    expect(page.locator("#notice")).to_be_hidden()


def test_lost_gateway_and_webapp_are_found_again(open_page: OpenPage, fleet: Fleet) -> None:
    """The page itself survives the loss of the gateway, and of the server it came from."""
    page = open_page("#v-0001")
    for name in ("api-gateway", "webapp"):
        with without(fleet, name):
            expect(page.locator("#link")).to_have_text("lost")
            expect(page.locator("#notice")).to_have_text("The connection is lost; trying again")
            expect(service(page, "position-tracker")).to_have_attribute("data-state", "wait")
        expect(page.locator("#link")).to_have_text("live", timeout=15_000)
        wait_for_movement(page)
        expect(page.locator("#driver")).not_to_have_text("Driver unknown")


def test_another_version_is_told_by_its_answers(open_page: OpenPage, fleet: Fleet) -> None:
    """When v1 in another cloud answers in v2's place, the page says so: no photo, initials, both in the tally."""
    page = open_page("#v-0001")
    expect(page.locator("#answer")).to_have_text("staff-service v2 in local")
    original = fleet.services["staff-service"]
    changed = {**original.environment, "SERVICE_VERSION": "v1", "CLOUD": "azure"}
    with without(fleet, "staff-service"):
        fleet.services["staff-service"] = replace(original, environment=changed)
    expect(page.locator("#answer")).to_have_text("staff-service v1 in azure", timeout=10_000)
    expect(page.locator("#photo")).to_have_text(re.compile(r"^[A-Z]{2}$"))
    expect(page.locator("#tally")).to_contain_text("v1 azure")
    expect(page.locator("#tally")).to_contain_text("v2 local")
    expect(service(page, "staff-service")).to_have_text("staff-servicev1 · azure")
    with without(fleet, "staff-service"):
        fleet.services["staff-service"] = original
    expect(page.locator("#answer")).to_have_text("staff-service v2 in local", timeout=10_000)


def test_a_larger_fleet_appears_by_itself(open_page: OpenPage, fleet: Fleet) -> None:
    """Vehicles that join are drawn and listed without a reload; the chosen one stays chosen."""
    page = open_page("#v-0004")
    original = fleet.services["position-simulator"]
    with without(fleet, "position-simulator"):
        changed = {**original.environment, "VEHICLES": "45"}
        fleet.services["position-simulator"] = replace(original, environment=changed)
    expect(page.locator("#count")).to_have_text("45", timeout=10_000)
    assert page.evaluate("fleet.traffic.names[fleet.view.chosen]") == "v-0004"
    with without(fleet, "position-simulator"):
        fleet.services["position-simulator"] = original
    with without(fleet, "position-tracker"):
        pass
    expect(page.locator("#count")).to_have_text("30", timeout=10_000)


def test_theme_follows_the_system_until_one_is_chosen(open_page: OpenPage) -> None:
    """Light and dark follow the system; the button's choice stays after a reload, and the map is redrawn."""
    page = open_page(color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(background) == "rgb(13, 18, 25)"
    assert page.evaluate("fleet.view.colours.ground") == "#0d1219"
    page.get_by_role("button", name="Switch to light colours").click()
    assert page.evaluate(background) == "rgb(243, 241, 234)"
    page.reload()
    until(page, "globalThis.fleet?.traffic.count === 30")
    assert page.evaluate(background) == "rgb(243, 241, 234)"
    assert page.evaluate("fleet.view.colours.ground") == "#f3f1ea"


def test_phone_width(open_page: OpenPage) -> None:
    """At phone width nothing overflows sideways, a tap chooses, and what can be tapped is large enough."""
    page = open_page(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True, device_scale_factor=2)
    name = until(page, ALONE)
    page.touchscreen.tap(*page.evaluate(ON_SCREEN, name))
    expect(page.locator("#name")).to_have_text(name)
    expect(page.locator("#driver")).to_have_text(re.compile(r"^[A-Z]\w+ [A-Z]\w+$"))
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    small = page.evaluate(
        "[...document.querySelectorAll('button, li[role=option]')].filter(e => e.offsetParent && "
        "(e.offsetWidth < 24 || e.offsetHeight < 24)).map(e => e.outerHTML)"
    )
    assert small == []


def test_reduced_motion_is_respected(open_page: OpenPage) -> None:
    """Who wants less motion gets positions without gliding and moves of the map without flight."""
    page = open_page(reduced_motion="reduce")
    until(page, "!fleet.traffic.glide")
    page.locator("#nearer").click()
    assert page.evaluate("fleet.view.view.goal") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_no_known_barrier(open_page: OpenPage, scheme: str, width: int) -> None:
    """axe-core finds no barrier: names, roles, contrast, labels; in both themes, wide and narrow."""
    page = open_page("#v-0001", color_scheme=scheme, viewport={"width": width, "height": 844})
    expect(page.locator("#answer")).to_have_text("staff-service v2 in local")
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
