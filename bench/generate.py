"""How long generation takes, beside PyYAML's C dumper writing the same documents and gcip building as many jobs.

`python bench/generate.py [--json]` needs gcip, which `make bench` installs in an environment of its own. gcip is
quadratic and takes minutes for 1,000 jobs; `--without-gcip` leaves it out.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from mcci.clients import job_templates
from mcci.config.load import load
from mcci.pipeline.generate import generate

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = (10, 100, 1000)
CLUSTERS = ("stage-aws", "prod-aws", "prod-azure", "prod-gcp")


def config_text(services: int) -> bytes:
    """Return an mcci.yml with that many services, each with settings of its own, on four clusters."""
    lines = ["version: 1", "application: big", "defaults: {stack: python, depends_on: [shared/]}", "services:"]
    for number in range(services):
        lines += [
            f"  service-{number}:",
            f"    path: services/{number}",
            f"    ports: {{http: {8000 + number % 1000}}}",
        ]
    lines += ["clusters:", *(f"  {name}: {{region: somewhere}}" for name in CLUSTERS)]
    lines += ["environments:", "  stage: {clusters: [stage-aws]}"]
    lines += ["  production: {waves: [[prod-aws], [prod-azure, prod-gcp]]}"]
    return "\n".join(lines).encode()


def timed(function: Callable[[], Any], times: int = 1) -> float:
    """Return the shortest of so many runs, in seconds."""
    return min(_once(function) for _ in range(times))


def _once(function: Callable[[], Any]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def sizes() -> dict[str, dict[str, float]]:
    """Measure every size: seconds to load, to generate and dump, and for PyYAML's C parts to do the same text."""
    templates = job_templates.load(Path("nowhere"))
    result = {}
    for services in SIZES:
        text = config_text(services)
        times = 5 if services < 1000 else 3
        config = load(text)
        generated = generate(config, templates)
        files = {path: each for branch in generated.files.values() for path, each in branch.items()}
        documents = [list(yaml.load_all(each, yaml.CSafeLoader)) for each in files.values()]
        result[str(services)] = {
            "jobs": sum(not name.startswith(".") for _, name in generated.causes),
            "files": len(files),
            "bytes": sum(map(len, files.values())),
            "load_s": timed(lambda text=text: load(text), times),  # type: ignore[misc]
            "c_loader_s": timed(lambda text=text: yaml.load(text, yaml.CSafeLoader), times),  # type: ignore[misc]
            "generate_s": timed(lambda config=config: generate(config, templates), times),  # type: ignore[misc]
            "c_dumper_s": timed(
                lambda documents=documents: [yaml.dump_all(each, Dumper=yaml.CSafeDumper) for each in documents],  # type: ignore[misc]
                times,
            ),
        }
    return result


def memory_mb() -> float:
    """Return the peak memory of a process that loads, generates and holds the largest size."""
    code = "from bench.generate import *; generate(load(config_text(1000)), job_templates.load(Path('nowhere')))"
    show = "; import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code + show], capture_output=True, text=True, check=True, cwd=root)
    return float(done.stdout)


def ours(jobs: int) -> float:
    """Return the seconds to load, generate and dump about `jobs` jobs, in one go."""
    text, templates = config_text(jobs // 10), job_templates.load(Path("nowhere"))
    return timed(lambda: generate(load(text), templates), 3)


def gcip(jobs: int) -> tuple[float, str]:
    """Return the seconds that gcip takes for `jobs` jobs like ours, in its own environment, and its version."""
    python = Path(sys.prefix) / "peers" / "bin" / "python"
    if not python.exists():
        sys.exit("gcip is not installed: `make bench` installs it; --without-gcip leaves it out.")
    script = Path(__file__).with_name("gcip_jobs.py")
    done = subprocess.run([str(python), str(script), str(jobs)], capture_output=True, text=True, check=True)
    seconds, found = done.stdout.split()
    return float(seconds), found


def start_up(samples: int = 15) -> dict[str, float]:
    """Return the median seconds of two whole processes, run in turn: `mcci --version` and an import of click."""
    ours_, click = [], []
    mcci = str(Path(sys.executable).parent / "mcci")
    for _ in range(samples):
        ours_.append(timed(lambda: subprocess.run([mcci, "--version"], capture_output=True, check=True)))
        click.append(timed(lambda: subprocess.run([sys.executable, "-c", "import click"], check=True)))
    return {"mcci_version_s": statistics.median(ours_), "import_click_s": statistics.median(click)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--without-gcip", action="store_true")
    options = parser.parse_args()
    measured, start = sizes(), start_up()
    big, middle = measured["1000"], measured["100"]
    samples: dict[str, Any] = {"sizes": measured, "start_up": start, "peak_memory_mb_1000_services": memory_mb()}
    ratios = {
        "generate_1000_services_vs_c_dumper": big["generate_s"] / big["c_dumper_s"],
        "generate_100_services_vs_c_dumper": middle["generate_s"] / middle["c_dumper_s"],
        "generate_growth_100_to_1000_per_job": (big["generate_s"] / big["jobs"])
        / (middle["generate_s"] / middle["jobs"]),
        "load_1000_services_vs_c_loader": big["load_s"] / big["c_loader_s"],
        "version_vs_import_click": start["mcci_version_s"] / start["import_click_s"],
    }
    versions = {"python": platform.python_version(), "PyYAML": version("PyYAML"), "mcci": version("mcci")}
    if not options.without_gcip:
        samples["ours_1000_jobs_s"] = ours(1000)
        samples["gcip_1000_jobs_s"], versions["gcip"] = gcip(1000)
        ratios["gcip_vs_ours_1000_jobs"] = samples["gcip_1000_jobs_s"] / samples["ours_1000_jobs_s"]
    if options.json:
        print(json.dumps({"ratios": ratios, "versions": versions, "samples": samples}, indent=2))
        return
    for name, ratio in ratios.items():
        print(f"{name:45} {ratio:8.2f} ×")
    print(json.dumps(samples, indent=2))


if __name__ == "__main__":
    main()
