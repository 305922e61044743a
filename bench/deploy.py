"""What `mcci deploy` costs beside plain `helm upgrade --install --wait`: seconds, requests, memory.

    python bench/deploy.py [--json] [--runs N]

`added` are the seconds that a deploy of one changed service takes longer than helm on loopback (at most 1.5), `far` how
many times helm's time it takes where every round trip is 150 ms (at most 1.15), `unchanged` the same for a deploy that
changes nothing (at most 0.5). `clusters-8` are eight such clusters at once, beside one: in seconds, and in seconds of
CPU, helm's included. `services-50` are fifty services on three clusters, beside five: seconds, and MB of mcci's own
memory. `requests` are those that the API got, beside helm's. Every figure is of whole processes. The clusters are the
lab's, in this process, with pods that are ready at once: their time is in every figure, mcci's and helm's.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from bench.wan import links  # noqa: E402 - found on the path added above
from tests.tools.helm import helm  # noqa: E402
from tests.tools.lab import LabCluster, lab_clusters  # noqa: E402

ROUND_TRIP = 0.15  # seconds
LIMITS = {"added": 1.5, "far": 1.15, "unchanged": 0.5}
VALUES = {"replicas": 1, "rollout": {"minReadySeconds": 0}}
PATIENCE = 600


@dataclass(frozen=True, slots=True)
class Cost:
    """One process: its seconds, those of CPU with what it started, and its own memory in MB at most."""

    seconds: float
    cpu: float
    memory: float


def project(folder: Path, names: list[str], services: list[str]) -> None:
    """Write mcci.yml: these services, rolled out in place on these clusters, all in one wave."""
    config = {
        "version": 1,
        "application": "bench",
        "registry": {"host": "registry.example.com"},
        "defaults": {"canary": "off", "values": {"microservice": VALUES}},
        "services": {name: {} for name in services},
        "environments": {"stage": {"clusters": names}},
        "clusters": {name: {} for name in names},
    }
    (folder / "mcci.yml").write_text(json.dumps(config))


def release(folder: Path, services: list[str], number: int) -> str:
    """Write release.json, and return the digest that every service has in it."""
    digest = f"sha256:{number:064x}"
    entries = [
        {
            "service": name, "image": f"registry.example.com/bench/{name}@{digest}", "content_tag": "",
            "commit": f"{number:040x}", "source_pipeline": "",
        }
        for name in services
    ]  # fmt: skip
    body = {"schema": "mcci.release/1", "release": f"{number:040x}", "services": entries}
    (folder / "release.json").write_text(json.dumps(body))
    return digest


def kubeconfigs(folder: Path, clusters: dict[str, LabCluster], ports: list[int]) -> dict[str, str]:
    """Write each cluster's kubeconfig for its port; return the variables that name them."""
    found: dict[str, str] = {}
    for (name, each), port in zip(clusters.items(), ports, strict=True):
        document = yaml.safe_load(each.kubeconfig())
        document["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{port}"
        file = folder / f"{name}.kubeconfig"
        file.touch(mode=0o600)
        file.write_text(json.dumps(document))
        found[f"KUBECONFIG_{name.upper().replace('-', '_')}"] = str(file)
    return found


def run(arguments: list[str], folder: Path, variables: dict[str, str]) -> Cost:
    """Run a process to its end. Raises RuntimeError with what it said where it fails."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CI_", "HELM_", "KUBECONFIG"))}
    begin = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(arguments, cwd=folder, env={**kept, **variables}, stdout=said, stderr=said)
        memory = 0.0
        while True:
            memory = max(memory, _memory(process.pid))
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.perf_counter() - begin > PATIENCE:
                process.kill()
            time.sleep(0.02)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise RuntimeError(said.read().decode())
    return Cost(time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, memory)


def _memory(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith("VmHWM")), 0.0)


def mcci(folder: Path, variables: dict[str, str]) -> Cost:
    """Deploy with mcci."""
    arguments = [sys.executable, "-m", "mcci", "deploy", "--environment", "stage", "--timeout", str(PATIENCE)]
    return run(arguments, folder, {**variables, "MCCI_HELM": str(helm("3"))})


def plain(folder: Path, variables: dict[str, str], name: str, digest: str) -> Cost:
    """Deploy one service with helm alone: the same chart, the same values, and it waits."""
    values = {
        "app": "web", "version": "v1", "image": {"repository": "registry.example.com/bench/web", "digest": digest},
        **VALUES,
    }  # fmt: skip
    (folder / "values.json").write_text(json.dumps(values))
    kubeconfig = variables[f"KUBECONFIG_{name.upper().replace('-', '_')}"]
    arguments = [
        str(helm("3")), "upgrade", "web", str(ROOT / "charts" / "microservice"), "--install", "--wait", "--namespace",
        "plain", "--create-namespace", "--values", "values.json", "--kubeconfig", kubeconfig, "--history-max", "5",
    ]  # fmt: skip
    return run(arguments, folder, {})


def beside(round_trip: float, runs: int) -> dict[str, Any]:
    """One service on one cluster, mcci and helm in turn: seconds and requests of a change, and of none."""
    found: dict[str, list[float]] = {"mcci": [], "helm": [], "mcci-unchanged": [], "helm-unchanged": []}
    requests: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="mcci-bench-") as name, lab_clusters(["one"]) as clusters:
        folder, lab = Path(name), clusters["one"]
        project(folder, ["one"], ["web"])
        with links([lab.cluster.port], round_trip) as ports:
            variables = kubeconfigs(folder, clusters, ports)
            for number in range(1, runs + 2):
                digest = release(folder, ["web"], number)
                for kind in ("mcci", "helm", "mcci-unchanged", "helm-unchanged"):
                    lab.requests.clear()
                    ours = kind.startswith("mcci")
                    cost = mcci(folder, variables) if ours else plain(folder, variables, "one", digest)
                    requests[kind] = lab.requests.total
                    if number > 1:  # the first is an installation
                        found[kind].append(cost.seconds)
    return {**{kind: statistics.median(each) for kind, each in found.items()}, "requests": requests}


def many(count: int, services: int, round_trip: float) -> Cost:
    """Change some services on some clusters at once."""
    names, chosen = [f"c{number}" for number in range(count)], [f"s{number}" for number in range(services)]
    with tempfile.TemporaryDirectory(prefix="mcci-bench-") as name, lab_clusters(names) as clusters:
        folder = Path(name)
        project(folder, names, chosen)
        with links([each.cluster.port for each in clusters.values()], round_trip) as ports:
            variables = kubeconfigs(folder, clusters, ports)
            release(folder, chosen, 1)
            mcci(folder, variables)
            release(folder, chosen, 2)
            return mcci(folder, variables)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--runs", type=int, default=3, help="changes of each kind")
    options = parser.parse_args()
    near, far = beside(0.0, options.runs), beside(ROUND_TRIP, options.runs)
    one, eight = many(1, 1, ROUND_TRIP), many(8, 1, ROUND_TRIP)
    few, fifty = many(3, 5, 0.0), many(3, 50, 0.0)
    figures: dict[str, Any] = {
        "added": round(near["mcci"] - near["helm"], 2),
        "far": round(far["mcci"] / far["helm"], 2),
        "unchanged": round(far["mcci-unchanged"] / far["helm-unchanged"], 2),
        "seconds": {
            "near": {kind: round(near[kind], 2) for kind in near if kind != "requests"},
            "far": {kind: round(far[kind], 2) for kind in far if kind != "requests"},
        },
        "requests": far["requests"],
        "clusters-8": {
            "seconds": round(eight.seconds, 2), "seconds of one": round(one.seconds, 2), "cpu": round(eight.cpu, 2),
            "cpu of one": round(one.cpu, 2),
        },
        "services-50": {
            "seconds": round(fifty.seconds, 2), "seconds of 5": round(few.seconds, 2), "MB": round(fifty.memory),
            "MB of 5": round(few.memory),
        },
    }  # fmt: skip
    missed = [name for name, limit in LIMITS.items() if figures[name] > limit]
    if options.json:
        print(json.dumps({"machine": platform.platform(), **figures, "missed": missed}, indent=2))
    else:
        for name, value in figures.items():
            limit = f"  (at most {LIMITS[name]:g})" if name in LIMITS else ""
            print(f"{name:14}{value}{limit}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
