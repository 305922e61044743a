"""What the sample application's gateway bears, beside a bare Starlette endpoint on the same server, in one run.

`python bench/services.py [--json] [--seconds N]` needs wrk (Debian's package) and the sample application installed.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "sample-app"))

from localrun.fleet import Fleet  # noqa: E402 - found on the path added above
from localrun.services import LocalService, free_ports, from_source  # noqa: E402

CONNECTIONS = 16
ROUNDS = 3
BARE = """
import sys
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

async def hello(_):
    return JSONResponse({"hello": "world"})

app = Starlette(routes=[Route("/hello", hello), Route("/readyz", hello)])
uvicorn.run(app, port=int(sys.argv[1]), log_config=None, access_log=False)
"""
VEHICLES = """
local number = 0
request = function()
  number = number % 60 + 1
  return wrk.format("GET", string.format("/api/vehicles/v-%04d", number))
end
"""
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


def bare() -> LocalService:
    """The least that can be asked for: one Starlette route on uvicorn, no middleware, no log."""
    port = free_ports(1)[0]
    like = from_source(environment={})[0]
    return replace(like, name="bare", command=(sys.executable, "-c", BARE, str(port)), port=port)


def wrk(url: str, seconds: float, script: Path | None = None) -> dict[str, float]:
    """Requests a second, latency in milliseconds (p50, p99), and how many answers were not 2xx or did not come."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s", "--latency", url]
    if script:
        command[1:1] = ["-s", str(script)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    percentiles = dict(re.findall(r"^ +(\d+)% +(\S+)$", output, re.MULTILINE))
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    broken = re.search(r"Socket errors: (.*)", output)
    return {
        "requests_per_second": float(re.findall(r"Requests/sec: +(\S+)", output)[0]),
        "p50_ms": milliseconds(percentiles["50"]),
        "p99_ms": milliseconds(percentiles["99"]),
        "failed": float(wrong[1] if wrong else 0) + sum(map(int, re.findall(r"\d+", broken[1] if broken else ""))),
    }


def milliseconds(text: str) -> float:
    """wrk's `1.23ms`, `980.00us` or `1.02s`."""
    found = re.fullmatch(r"([\d.]+)(us|ms|s)", text)
    assert found is not None, text
    number, unit = found.groups()
    return float(number) * UNITS[unit]


def memory_mb(process: int) -> float:
    """A process' proportional share of memory, in MiB (Linux)."""
    text = Path(f"/proc/{process}/smaps_rollup").read_text()
    return int(re.findall(r"^Pss: +(\d+) kB", text, re.MULTILINE)[0]) / 1024


def measure(seconds: float) -> dict[str, Any]:
    """Every round loads each target in turn, so that a busy machine hurts all alike."""
    with Fleet([*from_source(environment={}), bare()]) as fleet, tempfile.TemporaryDirectory() as folder:
        fleet.start_all()
        time.sleep(2)  # vehicles have a trail, telemetry and a driver
        idle = {name: memory_mb(process.pid) for name, process in fleet.processes.items()}
        script = Path(folder, "vehicles.lua")
        script.write_text(VEHICLES)
        gateway = fleet.url("api-gateway")
        targets: dict[str, tuple[str, Path | None]] = {
            "bare": (fleet.url("bare") + "hello", None),
            "version": (gateway + "version", None),
            "vehicle": (gateway, script),
            "fleet": (gateway + "api/vehicles", None),
            "page": (fleet.url("webapp"), None),
        }
        rounds: dict[str, list[dict[str, float]]] = {name: [] for name in targets}
        for _ in range(ROUNDS):
            for name, (url, lua) in targets.items():
                rounds[name].append(wrk(url, seconds, lua))
        loaded = {name: memory_mb(process.pid) for name, process in fleet.processes.items()}
    return {"rounds": rounds, "memory_mb_idle": idle, "memory_mb_after_load": loaded}


def middle(rounds: list[dict[str, float]], key: str) -> float:
    """The median of one figure."""
    return statistics.median(each[key] for each in rounds)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=4, help="length of each load (default: 4)")
    options = parser.parse_args()
    if not shutil.which("wrk"):
        print("wrk is not on PATH; on Debian: apt-get install wrk", file=sys.stderr)
        return 3
    samples = measure(options.seconds)
    rounds = samples["rounds"]
    keys = ("requests_per_second", "p50_ms", "p99_ms", "failed")
    figures = {name: {key: middle(each, key) for key in keys} for name, each in rounds.items()}
    after = samples["memory_mb_after_load"]
    six = sum(size for name, size in after.items() if name != "bare")
    bare_rate = figures["bare"]["requests_per_second"]
    ratios = {f"{name}_requests_vs_bare": figures[name]["requests_per_second"] / bare_rate for name in figures}
    ratios |= {f"{name}_p99_vs_bare": figures[name]["p99_ms"] / figures["bare"]["p99_ms"] for name in figures}
    ratios["memory_of_six_vs_six_bare"] = six / (6 * after["bare"])
    del ratios["bare_requests_vs_bare"], ratios["bare_p99_vs_bare"]
    packages = ("starlette", "uvicorn", "aiohttp", "prometheus-client")
    versions = {"python": platform.python_version(), **{name: version(name) for name in packages}}
    result = {
        "ratios": ratios,
        "versions": versions,
        "samples": samples,
        "figures": {**figures, "memory_of_six_mb": six, "connections": CONNECTIONS},
    }
    if options.json:
        print(json.dumps(result, indent=2))
        return 0
    for name, each in figures.items():
        rate, p99, failed = each["requests_per_second"], each["p99_ms"], each["failed"]
        print(f"{name:10} {rate:8.0f} requests/s   p99 {p99:7.1f} ms   failed {failed:.0f}")
    print(f"memory of all six after the load: {six:.0f} MiB (a bare one: {after['bare']:.0f})")
    for name, ratio in ratios.items():
        print(f"{name:28} {ratio:6.2f} ×")
    return 0


if __name__ == "__main__":
    sys.exit(main())
