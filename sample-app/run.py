"""Run the whole application on this machine: `python sample-app/run.py`, then open the URL it prints.

Each service is a plain process on a free loopback port. Ctrl-C (or SIGTERM) stops all of them; if one dies, the
rest are stopped and its last lines are shown.
"""

from __future__ import annotations

import argparse
import importlib.util
import signal
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from localrun.fleet import Fleet, ServiceDied
from localrun.services import from_source

LIBRARIES = ("starlette", "uvicorn", "httpx", "prometheus_client", "yaml")


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
    extra = {"position-simulator": {"VEHICLES": str(options.vehicles)}, "staff-service": {}}
    extra["staff-service"]["SERVICE_VERSION"] = options.staff
    services = from_source(environment=extra, webapp_port=options.port, logs=options.logs)
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
    parser.add_argument("--port", type=_port, default=0, help="port of the page (default: a free one)")
    parser.add_argument("--vehicles", type=int, default=60, help="how many vehicles drive (default: 60)")
    parser.add_argument("--staff", choices=("v1", "v2", "v3"), default="v2", help="version of staff-service")
    parser.add_argument("--logs", type=Path, help="folder for the services' logs (default: a temporary one)")
    return parser.parse_args()


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError("a port is 0 to 65535")
    return number


if __name__ == "__main__":
    sys.exit(main())
