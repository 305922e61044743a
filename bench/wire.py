"""How soon a canary's new weight is on the wire, and whether a change of weights costs a request.

    python bench/wire.py [--json] [--changes N]

`mcci canary step` moves the weight on the lab's API between 10 and 100, the lab's control plane gives it to a real
Envoy, and requests go through that Envoy at a constant rate. `seen` is the time from the command's end to the first
request that is answered by the new weight (10), or to the last that is answered by the old one (100); the longest has
to stay below 1 s. `failed` is how many of the requests failed: none may. `command` is what one step takes, for
comparison. Cluster, control plane, callers and the services' pods are all in this process, Envoy is beside it.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from mcci.clients.kubernetes.api import DESTINATION_RULE, POD, SERVICE, VIRTUAL_SERVICE
from mcci.clients.load import Load
from mcci.lab.mesh.control import ControlPlane
from mcci.lab.mesh.proxy import Proxy
from tests.service.canary.project import Project, project
from tests.service.mesh.backends import Backend
from tests.unit.canary.objects import V1, V2
from tests.unit.canary.world import SERVICE as NAME
from tests.unit.canary.world import SPACE

CLUSTER = "prod-aws"
ADDRESS, PORT = "127.201.0.1", 8080
RATE = 320.0  # requests a second
REST = 0.8  # seconds between two changes
LIMIT = 1.0  # seconds


class Version(Backend):
    """A pod whose answers say its version as the services' do."""

    def body(self) -> bytes:
        return json.dumps({"version": self.version}).encode()


def service(found: Project) -> None:
    """Give the service its address and its subsets."""
    metadata = {"name": NAME, "namespace": SPACE}
    ports = [{"name": "http", "port": PORT, "targetPort": PORT, "protocol": "TCP"}]
    api = found.api(CLUSTER)
    spec = {"clusterIP": ADDRESS, "selector": {"app": NAME}, "ports": ports}
    api.create(SERVICE, {"metadata": metadata, "spec": spec})
    subsets = [{"name": version, "labels": {"version": version}} for version in (V1, V2)]
    rule = {"host": f"{NAME}.{SPACE}.svc.cluster.local", "subsets": subsets}
    api.create(DESTINATION_RULE, {"metadata": metadata, "spec": rule})


def pods(found: Project, stack: ExitStack) -> None:
    """Answer at the address of every pod."""
    for pod in found.api(CLUSTER).list(POD, SPACE):
        version, address = pod["metadata"]["labels"]["version"], pod["status"]["podIP"]
        stack.enter_context(Version(version, address=(address, PORT)))


def step(found: Project, weight: int) -> float:
    """Move the weight, and return the seconds that it took. Raises RuntimeError where it fails."""
    begun = time.perf_counter()
    code, said = found.run("step", NAME, "--to", str(weight), "--force", "--no-stay")
    if code:
        raise RuntimeError(said)
    return time.perf_counter() - begun


def seen(load: Load, weight: int, ended: float) -> float:
    """Return how long after `ended` the weight was on the wire."""
    times = [answer.at - ended for answer in load.since(ended) if answer.version == V1]
    if weight == 100:
        return max(times, default=0.0)
    return min(times, default=float("inf"))


def measure(changes: int) -> dict[str, Any]:
    """Change the weight so often under load, and return the figures."""
    commands, delays = [], []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mcci-bench-")))
        found = stack.enter_context(project(folder, (CLUSTER,)))
        found.deploy()
        service(found)
        pods(found, stack)
        proxy = Proxy(CLUSTER, folder / "envoy", admin=("127.201.0.2", 9901))
        plane = ControlPlane({CLUSTER: found.api(CLUSTER)}, {CLUSTER: proxy}, config_clusters=[CLUSTER])
        assert found.api(CLUSTER).get(VIRTUAL_SERVICE, NAME, SPACE)
        stack.enter_context(plane)
        stack.enter_context(proxy)
        load = stack.enter_context(Load(f"http://{ADDRESS}:{PORT}/", rate=RATE))
        time.sleep(1)
        for number in range(changes):
            weight = (10, 100)[number % 2]
            commands.append(step(found, weight))
            ended = time.time()
            time.sleep(REST)
            delays.append(seen(load, weight, ended))
        tally = load.tally
    return {
        "changes": changes,
        "requests": tally.sent,
        "failed": tally.failed,
        "command": round(statistics.median(commands), 3),
        "seen": round(statistics.median(delays), 3),
        "seen-longest": round(max(delays), 3),
    }


def main() -> int:
    """Exit codes: 0 within the limits, 1 not."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--changes", type=int, default=50)
    options = parser.parse_args()
    found = measure(options.changes)
    good = found["failed"] == 0 and found["seen-longest"] < LIMIT
    if options.json:
        print(json.dumps({**found, "within": good}))
    else:
        print(f"Python {platform.python_version()}, {found['changes']} changes at {RATE:g} requests/s")
        print(f"requests {found['requests']}, failed {found['failed']} (none may)")
        print(f"command  {found['command']:.3f} s")
        print(f"seen     {found['seen']:.3f} s after it, at most {found['seen-longest']:.3f} s (limit {LIMIT:g} s)")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
