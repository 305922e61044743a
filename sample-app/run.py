"""Run the whole application on this machine: `python sample-app/run.py`, then open the URL it prints.

Each service is a plain process on a free loopback port. Ctrl-C (or SIGTERM) stops all of them; if one dies, the
rest are stopped and its last lines are shown.
"""

from __future__ import annotations

import argparse
import importlib.util
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from localrun.fleet import Fleet, ServiceDied
from localrun.services import LocalService, SetupError, from_source

LIBRARIES = ("starlette", "uvicorn", "aiohttp", "prometheus_client", "yaml")


def main() -> int:
    """Exit codes: 0 stopped when asked, 1 a service died, 2 wrong use or libraries missing."""
    options = _options()
    missing = [name for name in LIBRARIES if importlib.util.find_spec(name) is None]
    if missing:
        folder = Path(__file__).resolve().parent
        print(f"missing libraries: {', '.join(missing)}; install them with", file=sys.stderr)
        print(f"  {sys.executable} -m pip install {folder / 'servicekit'}", file=sys.stderr)
        return 2
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with tempfile.TemporaryDirectory(prefix="sample-app-") as scratch:
        try:
            services = _services(options, Path(scratch))
        except SetupError as error:
            print(error, file=sys.stderr)
            return 2
        return _run(services, stop)


def _services(options: argparse.Namespace, folder: Path) -> list[LocalService]:
    overrides = {"staff-service": {"SERVICE_VERSION": options.staff}}
    if options.vehicles is not None:
        overrides["position-simulator"] = {"VEHICLES": str(options.vehicles)}
    if not options.from_charts:
        return from_source(environment=overrides, webapp_port=options.port, logs=options.logs)
    from localrun.charts import find_helm, from_charts  # needs a library that main() looks for first

    helm = find_helm(options.helm)
    print(f"rendering the charts for {options.environment} in {options.cloud} with {helm}", flush=True)
    return from_charts(
        folder,
        helm=helm,
        environment=options.environment,
        cloud=options.cloud,
        overrides=overrides,
        webapp_port=options.port,
        logs=options.logs,
    )


def _run(services: list[LocalService], stop: threading.Event) -> int:
    with Fleet(services) as fleet:
        try:
            for name, seconds in fleet.start(stop):
                print(f"  {name:<20} ready after {seconds:.1f} s", flush=True)
            if not stop.is_set():
                print(f"\nopen {fleet.url('webapp')}   (Ctrl-C stops everything)", flush=True)
            fleet.watch(stop)
        except ServiceDied as error:
            print(error, file=sys.stderr)
            return 1
        print("stopping", flush=True)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run the sample application's six services on this machine.")
    parser.add_argument("--port", type=_number(0, 65535), default=0, help="port of the page (default: a free one)")
    parser.add_argument("--vehicles", type=_number(1, 5000), help="how many drive (default: as the profile says)")
    parser.add_argument("--staff", choices=("v1", "v2", "v3"), default="v2", help="version of staff-service")
    parser.add_argument("--logs", type=Path, help="folder for the services' logs (default: a temporary one)")
    charts = parser.add_argument_group("as the charts render it")
    charts.add_argument("--from-charts", action="store_true", help="take configuration from what Helm renders")
    charts.add_argument("--environment", default="stage", help="whose profile (default: stage)")
    charts.add_argument("--cloud", default="aws", help="the cloud that the services say they run in (default: aws)")
    charts.add_argument("--helm", type=Path, help="the helm to use (default: the one on PATH)")
    return parser.parse_args()


def _number(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if text.isdecimal() and least <= int(text) <= most:
            return int(text)
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")

    return read


if __name__ == "__main__":
    sys.exit(main())
