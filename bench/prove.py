"""How long the proofs over an application take, beside trying the events out one by one.

    python bench/prove.py [--json]

For applications of several sizes, each with three branches: `mcci check --prove` as a whole process, and the proofs in
it alone. Beside them every set of changed services is simulated, on a push and on a merge request, which is what trying
out means: 2^N of each. Ratios: `growth` is the proof's time per service at 100 services ÷ that at 10 (1 is linear);
`tried-N` the time to try out all sets of changes of N services ÷ that of proving them (higher is better);
`tried-growth` how often as long it takes with one service more, and `proof-growth` the same of the proof.
`events-100` is how many events could be tried out while 100 services are proved; `combinations-100` is how many there
are, as a power of ten. `seconds-100` has to stay below 10.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from itertools import chain, combinations
from pathlib import Path

import mcci
from mcci.clients import job_templates
from mcci.config.load import load
from mcci.pipeline.files import MemoryFiles
from mcci.pipeline.generate import generate
from mcci.simulation.events import Event, MergeRequest, Project, Source
from mcci.simulation.pipelines import simulate

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from bench.figures import Figures
from bench.generate import config_text

SIZES = (10, 30, 100)
TRIED = (6, 8)
LIMIT = 10.0


def generated(services: int) -> Mapping[str, Mapping[str, str]]:
    """Return the files of each branch of an application with so many services."""
    return generate(load(config_text(services)), job_templates.load(Path("nowhere"))).files


def written(services: int, folder: Path) -> None:
    """Write an application's configuration, and all that mcci generates of it, into a folder."""
    (folder / "mcci.yml").write_bytes(config_text(services))
    for branch, texts in generated(services).items():
        for name, text in texts.items():
            path = folder / "out" / branch / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


def proved(services: int, runs: int) -> dict[str, float]:
    """Return the shortest times of a whole process and of the proofs in it, and what they covered."""
    with tempfile.TemporaryDirectory(prefix="mcci-bench-") as root:
        written(services, Path(root))
        command = [sys.executable, "-m", "mcci", "check", "--branches", "out", "--prove", "--format", "json"]
        whole, proofs = [], []
        for _ in range(runs):
            begin = time.perf_counter()
            ended = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
            whole.append(time.perf_counter() - begin)
            found = json.loads(ended.stdout)["proofs"]
            assert all(promise["holds"] for promise in found["promises"]), "a promise of what mcci generates is broken"
            proofs.append(float(found["seconds"]))
    covered = found["covered"]
    return {
        "process": min(whole),
        "proof": min(proofs),
        "jobs": sum(each["jobs"] for each in covered),
        "parts": sum(each["boxes"] for each in covered),
        "combinations": max(each["combinations_log10"] for each in covered),
    }


def tried(services: int, most: int | None = None) -> tuple[float, int]:
    """Return how long it takes to simulate every set of changed services (at most so many), and how many there were."""
    texts = generated(services)["development"]
    project = Project(files=lambda _ref: MemoryFiles(texts), default_branch="master")
    request = MergeRequest(source="feature", target="development")
    numbers = range(services)
    subsets = chain.from_iterable(combinations(numbers, count) for count in range(services + 1))
    count = 0
    begin = time.perf_counter()
    for subset in subsets:
        changes = tuple(f"services/{number}/main.py" for number in subset)
        simulate(project, Event(source=Source.PUSH, ref="development", changes=changes))
        simulate(project, Event(source=Source.MERGE_REQUEST, ref="feature", merge_request=request, changes=changes))
        count += 2
        if most is not None and count >= most:
            break
    return time.perf_counter() - begin, count


def measure(runs: int) -> Figures:
    """Return ratios, versions and samples."""
    samples: dict[str, float] = {}
    ratios: dict[str, float] = {}
    for size in (*TRIED, *SIZES):
        samples.update((f"{name}-{size}", value) for name, value in proved(size, runs).items())
    for size in TRIED:
        samples[f"tried-{size}"], _ = tried(size)
        ratios[f"tried-{size}"] = samples[f"tried-{size}"] / samples[f"proof-{size}"]
    first, last = TRIED
    for name in ("tried", "proof"):
        ratios[f"{name}-growth"] = (samples[f"{name}-{last}"] / samples[f"{name}-{first}"]) ** (1 / (last - first))
    largest = SIZES[-1]
    seconds, count = tried(largest, most=20)
    ratios["growth"] = samples[f"proof-{largest}"] / samples[f"proof-{SIZES[0]}"] / (largest / SIZES[0])
    ratios[f"seconds-{largest}"] = samples[f"process-{largest}"]
    ratios[f"events-{largest}"] = samples[f"proof-{largest}"] / (seconds / count)
    ratios[f"combinations-{largest}"] = samples[f"combinations-{largest}"]
    versions = {"mcci": mcci.__version__, "Python": platform.python_version()}
    return Figures(ratios=ratios, versions=versions, samples=samples)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--runs", type=int, default=3, help="runs of each process")
    arguments = parser.parse_args()
    measure(arguments.runs).show(as_json=arguments.json)


if __name__ == "__main__":
    main()
