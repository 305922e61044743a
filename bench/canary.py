"""How long a canary's step takes, over four clusters far away, and beside `kubectl patch` on one.

    python bench/canary.py [--json] [--runs N]

`step-4` is the whole process of `mcci canary step` over 4 config clusters, every round trip of 150 ms, and has to stay
below 5 s; `skew-4` is how long the clusters were apart, below 2 s; `requests-4` the most that one cluster's API got, at
most 12. `step-1` is the whole process on one cluster without a delay; `patch-1` is `kubectl patch` of the weights,
which looks at nothing, keeps nothing and checks nothing, where kubectl is there; `ratio` is the one by the other.
The clusters are the lab's, in this process: their time is in every figure.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from bench.wan import links
from mcci.canary import traffic
from mcci.clients.kubernetes.api import VIRTUAL_SERVICE
from tests.service.canary.project import Project, project
from tests.unit.canary.objects import V1, V2
from tests.unit.canary.world import SERVICE, SPACE

NAMES = ("prod-aws", "prod-azure", "prod-gcp", "prod-own")
STEPS = (10, 25, 50, 100)
ROUND_TRIP = 0.15  # seconds
LIMITS = {"step-4": 5.0, "skew-4": 2.0, "requests-4": 12.0}


def through(found: Project, ports: list[int]) -> None:
    """Let the jobs reach the clusters by these ports."""
    for name, port in zip(found.clusters, ports, strict=True):
        document = yaml.safe_load(found.clusters[name].kubeconfig())
        document["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{port}"
        file = found.folder / f"{name}.kubeconfig"
        file.write_text(json.dumps(document))
        file.chmod(0o600)
        found.environment[f"KUBECONFIG_{name.upper().replace('-', '_')}"] = str(file)


def timed(found: Project, *arguments: str) -> float:
    """Return the seconds of a whole process. Raises RuntimeError where it fails."""
    begin = time.perf_counter()
    process = found.start(*arguments)
    said, _ = process.communicate(timeout=120)
    if process.returncode:
        raise RuntimeError(said)
    return time.perf_counter() - begin


def steps(
    names: tuple[str, ...], round_trip: float, runs: int
) -> tuple[list[float], list[float], dict[str, Counter[str]]]:
    """Return the seconds of each step, the skews, and the requests of the last step, by cluster."""
    seconds: list[float] = []
    skews: list[float] = []
    requests: dict[str, Counter[str]] = {}
    with tempfile.TemporaryDirectory(prefix="mcci-bench-") as folder, project(Path(folder), names) as found:
        found.deploy()
        with links([each.cluster.port for each in found.clusters.values()], round_trip) as ports:
            if round_trip:
                through(found, ports)
            for number in range(runs):
                weight = STEPS[number % len(STEPS)]
                for each in found.clusters.values():
                    each.requests.clear()
                seconds.append(timed(found, "step", SERVICE, "--to", str(weight), *(["--force"] if number else [])))
                requests = {name: _listed(each.requests.counts) for name, each in found.clusters.items()}
                skews.append(found.state().history[-1].skew or 0.0)
        assert len(set(found.share())) == 1
    return seconds, skews, requests


def _listed(counts: dict[tuple[str, str], int]) -> Counter[str]:
    """Return the requests in short: `get virtualservices`, `update configmaps`."""
    found: Counter[str] = Counter()
    for (verb, path), count in counts.items():
        parts = path.split("/namespaces/")[-1].split("/")
        if not path.startswith("/version") and len(parts) > 1:
            found[f"{verb} {parts[1]}"] += count
    return found


def patches(runs: int) -> list[float]:
    """Return the seconds of `kubectl patch` of the weights, each a whole process."""
    seconds = []
    with tempfile.TemporaryDirectory(prefix="mcci-bench-") as folder, project(Path(folder), NAMES[:1]) as found:
        found.deploy()
        before = found.api(NAMES[0]).get(VIRTUAL_SERVICE, SERVICE, SPACE)
        assert before
        for number in range(runs):
            weight = STEPS[number % len(STEPS)]
            spec = traffic.moved(before, SERVICE, {V1: 100 - weight, V2: weight})["spec"]
            begin = time.perf_counter()
            subprocess.run(
                [
                    "kubectl", "--kubeconfig", str(found.clusters[NAMES[0]].kubeconfig_file), "--namespace", SPACE,
                    "patch", "virtualservices.networking.istio.io", SERVICE, "--type", "merge", "--patch",
                    json.dumps({"spec": spec}),
                ],
                check=True, capture_output=True,
            )  # fmt: skip
            seconds.append(time.perf_counter() - begin)
            assert found.share() == [weight]
    return seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--runs", type=int, default=4, help="steps of each kind")
    options = parser.parse_args()
    far, skews, requests = steps(NAMES, ROUND_TRIP, options.runs)
    near, _, alone = steps(NAMES[:1], 0.0, options.runs)
    patched = patches(options.runs) if shutil.which("kubectl") else []
    figures: dict[str, Any] = {
        "step-4": round(statistics.median(far), 2),
        "step-4-worst": round(max(far), 2),
        "skew-4": round(max(skews), 3),
        "requests-4": max(sum(each.values()) for each in requests.values()),
        "requests-1": sum(alone[NAMES[0]].values()),
        "step-1": round(statistics.median(near), 2),
        "patch-1": round(statistics.median(patched), 2) if patched else None,
        "ratio": round(statistics.median(near) / statistics.median(patched), 1) if patched else None,
    }
    missed = [name for name, limit in LIMITS.items() if figures[name] > limit]
    if options.json:
        print(json.dumps({"machine": platform.platform(), **figures, "missed": missed}, indent=2))
    else:
        for name, value in figures.items():
            limit = f"  (at most {LIMITS[name]:g})" if name in LIMITS else ""
            print(f"{name:14}{value if value is not None else 'no kubectl here'}{limit}")
        for name, listed in requests.items():
            print(f"{name}: " + ", ".join(f"{count} × {what}" for what, count in sorted(listed.items())))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
