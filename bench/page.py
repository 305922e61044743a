"""The sample application's page in real headless Chromium: first paint, bytes, and what a thousand vehicles cost it.

`python bench/page.py [--json] [--seconds N]` needs Chromium (Debian's package), playwright and the sample application
installed. Keys, moves and turns of the wheel are sent to the page while 1,000 vehicles are updated 60 times a second;
the same is done with ten vehicles once a second, and first paint is held against a page of one word, in the same run.
Gateway, webapp and staff-service are the real ones. Positions come from the simulator's own fleet, but are worked out
before and served by a stand-in for the tracker: the page is measured, not how many processes the machine can feed.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import statistics
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path[:0] = map(str, [REPOSITORY / "sample-app", REPOSITORY / "sample-app" / "webapp" / "src"])

from localrun.fleet import Fleet  # noqa: E402 - found on the path added above
from localrun.services import CALLS, LocalService, from_source  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

LOADS = 9
FEEDER = """
import asyncio, json, sys, time
import uvicorn
from position_simulator.fleet import Fleet
from position_simulator.roads import make_town
from servicekit import Latest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

port, count, rate = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
fleet, latest = Fleet(make_town(7), count, 7), Latest()
names = list(fleet.positions())
frames = []
for _ in range(600):
    fleet.move(1 / rate)
    flat = [round(degrees * 1e6) for place in fleet.positions().values() for degrees in place]
    frames.append(json.dumps({"fleet": "bench", "at": 0, "positions": flat}, separators=(",", ":")).encode())
frames += frames[::-1]

async def feed():
    due = asyncio.get_running_loop().time()
    while True:
        latest.set(frames[latest.revision % len(frames)])
        due += 1 / rate
        await asyncio.sleep(due - asyncio.get_running_loop().time())

async def positions(request):
    changed = await latest.after(int(request.query_params["after"]), float(request.query_params["wait"]))
    headers = {"x-revision": str(latest.revision)}
    return Response(latest.value, headers=headers) if changed else Response(status_code=204)

async def sent(_): return JSONResponse(latest.revision)
async def vehicles(_): return JSONResponse({"fleet": "bench", "vehicles": names})
async def vehicle(_): return JSONResponse({"position": [7.68, 45.07, 0], "trail": []})
async def version(_): return JSONResponse({"service": "position-tracker", "version": "bench", "cloud": "local"})
routes = [("/positions", positions), ("/vehicles", vehicles), ("/vehicles/{name}", vehicle), ("/version", version)]
app = Starlette(routes=[Route(path, answer) for path, answer in [*routes, ("/readyz", version), ("/sent", sent)]])

async def main():
    feeding = asyncio.create_task(feed())
    await uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, access_log=False)).serve()

asyncio.run(main())
"""
VIEW: ViewportSize = {"width": 1280, "height": 800}
WORD = b"<!doctype html><html lang=en><title>word</title><p>word"
FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
WATCH = """() => {
    globalThis.seen = { keydown: 0, pointermove: 0, wheel: 0, waits: [], paints: [] };
    for (const type of ['keydown', 'pointermove', 'wheel']) {
        addEventListener(type, (event) => {
            // A browser may fold moves of one frame into one event, which then tells of all of them.
            seen[type] += Math.max(1, event.getCoalescedEvents?.().length ?? 1);
            seen.waits.push(performance.now() - event.timeStamp);
        }, { capture: true, passive: true });
    }
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) seen.paints.push(entry.duration);
    }).observe({ type: 'event', durationThreshold: 16 });
    seen.began = performance.now();
    seen.drawn = fleet.view.drawn;
    seen.updates = 0;
    fleet.view.slowest = 0;
    const take = fleet.traffic.take.bind(fleet.traffic);
    fleet.traffic.take = (...frame) => { seen.updates += 1; take(...frame); };
}"""
RESULT = """() => ({
    ...seen, seconds: (performance.now() - seen.began) / 1000, drawn: fleet.view.drawn - seen.drawn,
    slowest: fleet.view.slowest, vehicles: fleet.traffic.count, chosen: fleet.view.chosen,
    heap: performance.memory.usedJSHeapSize / 1e6,
})"""


@contextmanager
def one_word() -> Iterator[str]:
    """A server of a page of one word: its address."""

    class Handler(BaseHTTPRequestHandler):
        wbufsize = -1

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(WORD)))
            self.end_headers()
            self.wfile.write(WORD)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def first_paint_ms(browser: Browser, url: str) -> float:
    """Milliseconds from the start of a load with an empty cache to the first content on the screen."""
    context = browser.new_context(viewport=VIEW)
    page = context.new_page()
    page.goto(url)
    while (paint := page.evaluate(FIRST_PAINT)) is None:
        page.wait_for_timeout(5)
    context.close()
    return float(paint)


def page_bytes() -> dict[str, int]:
    """Bytes of all the page's files, as they are and as they are sent."""
    from webapp.page_files import load_page

    page = load_page("/").values()
    assert len(page) == sum(1 for _ in (files("webapp") / "page").iterdir())
    return {"plain": sum(len(file.content) for file in page), "sent": sum(len(file.compressed) for file in page)}


def settle(page: Page, vehicles: int) -> None:
    """Return when the page shows that many vehicles."""
    while page.evaluate("globalThis.fleet?.traffic.count") != vehicles:
        page.wait_for_timeout(50)
    page.wait_for_timeout(1500)


def use(page: Page, seconds: float) -> dict[str, int]:
    """Step through vehicles, move the pointer and turn the wheel for so long; how many of each were sent."""
    sent = {"keydown": 0, "pointermove": 0, "wheel": 0}
    page.locator("#map").focus()
    page.mouse.move(400, 400)
    page.wait_for_timeout(200)
    page.evaluate(WATCH)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        page.keyboard.press("n")
        page.mouse.move(300 + sent["pointermove"] * 7 % 500, 200 + sent["pointermove"] * 5 % 400)
        sent["keydown"] += 1
        sent["pointermove"] += 1
        if sent["keydown"] % 5 == 0:
            page.mouse.wheel(0, 60 if sent["wheel"] % 2 else -60)
            sent["wheel"] += 1
        page.wait_for_timeout(25)
    page.wait_for_timeout(500)
    return sent


def fed(vehicles: int, rate: float) -> list[LocalService]:
    """The services, with the feeder in the place of tracker and simulator (which still serves its map)."""
    quiet = {name: {"LOG_LEVEL": "warning"} for name in CALLS}
    quiet["position-simulator"] |= {"VEHICLES": "1", "UPDATES_PER_SECOND": "0.1"}
    services = {service.name: service for service in from_source(environment=quiet)}
    tracker = services["position-tracker"]
    command = (sys.executable, "-c", FEEDER, str(tracker.port), str(vehicles), str(rate))
    services["position-tracker"] = replace(tracker, command=command)
    return list(services.values())


def sent_by(fleet: Fleet) -> int:
    """How many updates the feeder has sent."""
    with urllib.request.urlopen(fleet.url("position-tracker") + "sent") as answer:
        return int(json.load(answer))


def under(browser: Browser, vehicles: int, rate: float, seconds: float) -> dict[str, Any]:
    """The page in use while so many vehicles report so often."""
    with Fleet(fed(vehicles, rate)) as fleet:
        fleet.start_all()
        page = browser.new_page(viewport=VIEW)
        page.goto(fleet.url("webapp"))
        settle(page, vehicles)
        before = sent_by(fleet)
        sent = use(page, seconds)
        result: dict[str, Any] = page.evaluate(RESULT)
        updates = sent_by(fleet) - before
        page.close()
    waits = sorted(result["waits"])
    paints = sorted(result["paints"])
    return {
        "vehicles": result["vehicles"],
        "sent": sent,
        "dropped": {kind: sent[kind] - result[kind] for kind in sent},
        "steps_done": result["chosen"] + 1 == (sent["keydown"] - 1) % vehicles + 1,
        "frames_per_second": result["drawn"] / result["seconds"],
        "updates_per_second": result["updates"] / result["seconds"],
        "updates_received_of_sent": result["updates"] / updates,
        "slowest_frame_ms": result["slowest"],
        "input_wait_p50_ms": percentile(waits, 50),
        "input_wait_p99_ms": percentile(waits, 99),
        "input_to_paint_p99_ms": percentile(paints, 99),
        "heap_mb": result["heap"],
    }


def percentile(ordered: list[float], share: int) -> float:
    """The value below which that share of an ordered list lies; 0 of an empty one (nothing took 16 ms)."""
    return ordered[min(len(ordered) - 1, len(ordered) * share // 100)] if ordered else 0.0


def measure(browser: Browser, seconds: float) -> dict[str, Any]:
    """All figures; first paints in turn with those of the page of one word."""
    paints: dict[str, list[float]] = {"page": [], "word": []}
    with Fleet(from_source(environment={})) as fleet, one_word() as word:
        fleet.start_all()
        for _ in range(LOADS):
            paints["word"].append(first_paint_ms(browser, word))
            paints["page"].append(first_paint_ms(browser, fleet.url("webapp")))
    return {
        "first_paint_ms": paints,
        "bytes": page_bytes(),
        "calm": under(browser, 10, 1, seconds),
        "loaded": under(browser, 1000, 60, seconds),
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=10, help="length of each use (default: 10)")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        print("no Chromium on PATH; on Debian: apt-get install chromium", file=sys.stderr)
        return 3
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        samples = measure(browser, options.seconds)
        versions = {"chromium": browser.version, "playwright": version("playwright")}
        browser.close()
    calm, loaded = samples["calm"], samples["loaded"]
    paints = {name: statistics.median(each) for name, each in samples["first_paint_ms"].items()}
    ratios = {
        "first_paint_vs_one_word": paints["page"] / paints["word"],
        "bytes_vs_150_kb": samples["bytes"]["plain"] / 150_000,
        "frames_loaded_vs_calm": loaded["frames_per_second"] / calm["frames_per_second"],
        "updates_received_vs_60_a_second": loaded["updates_per_second"] / 60,
        "input_wait_p99_loaded_vs_calm": loaded["input_wait_p99_ms"] / calm["input_wait_p99_ms"],
    }
    figures = {"first_paint_ms": paints, "input_dropped": sum(loaded["dropped"].values())}
    versions |= {"python": platform.python_version(), "starlette": version("starlette"), "uvicorn": version("uvicorn")}
    if options.json:
        print(json.dumps({"ratios": ratios, "versions": versions, "samples": samples, "figures": figures}, indent=2))
        return 0
    print(f"first paint {paints['page']:.0f} ms (a page of one word: {paints['word']:.0f})")
    print(f"bytes {samples['bytes']['plain']}, sent {samples['bytes']['sent']}")
    for name in ("calm", "loaded"):
        print(name)
        for key, value in samples[name].items():
            print(f"  {key:22} {value:.1f}" if isinstance(value, float) else f"  {key:22} {value}")
    for name, ratio in ratios.items():
        print(f"{name:32} {ratio:6.2f} ×")
    return 0


if __name__ == "__main__":
    sys.exit(main())
