"""How fast `mcci simulate push` is beside only loading the file, and beside gitlab-ci-local, process against process.

    python bench/simulate.py [--json] [--peer PATH] [--runs N]

Each configuration has N jobs in two stages, with rules, needs, extends and scripts. The best of several runs counts, as
what else the machine does can only slow a run down. Ratios: `load-N` is mcci's time ÷ PyYAML's C loader's (lower is
better), `gitlab-ci-local-1000` the peer's time ÷ mcci's (higher is better), `growth` mcci's time per job at the largest
N ÷ that at a tenth of it (1 is linear).
"""

from __future__ import annotations

import argparse
import compileall
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import mcci

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from bench.figures import Figures

SIZES = (100, 1_000, 10_000)
PEER_SIZE = 1_000
LOAD = "import sys, yaml; yaml.load(open(sys.argv[1]), Loader=yaml.CSafeLoader)"


def configuration(jobs: int) -> str:
    """Return a configuration with so many jobs."""
    lines = ["stages: [build, test]", "", ".base:", "  image: alpine", "  retry: 1", ""]
    for index in range(jobs // 2):
        lines += [
            f"build-{index}:",
            "  extends: .base",
            "  stage: build",
            "  script:",
            f"    - make {index}",
            "  rules:",
            '    - if: $CI_COMMIT_BRANCH == "main"',
            f'      changes: ["service-{index}/**/*"]',
            '    - if: $CI_PIPELINE_SOURCE == "merge_request_event"',
            "",
            f"test-{index}:",
            "  stage: test",
            f"  needs: [build-{index}]",
            "  script:",
            f"    - make test {index}",
            "    - echo done",
            "  rules:",
            "    - if: $CI_COMMIT_BRANCH =~ /^ma.*/",
            "",
        ]
    return "\n".join(lines)


def best(command: list[str], runs: int, folder: Path) -> float:
    """Return the shortest time that a process took, in seconds."""
    times = []
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(runs):
        begin = time.perf_counter()
        subprocess.run(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, cwd=folder, env=environment
        )
        times.append(time.perf_counter() - begin)
    return min(times)


def measure(peer: str | None, runs: int) -> Figures:
    """Return ratios, versions and samples (seconds)."""
    # An installed package comes with its bytecode; an editable one may not yet have any.
    compileall.compile_dir(str(Path(mcci.__file__).parent), quiet=2)
    samples: dict[str, float] = {}
    ratios: dict[str, float] = {}
    versions = {"mcci": mcci.__version__, "PyYAML": version("PyYAML"), "Python": platform.python_version()}
    with tempfile.TemporaryDirectory(prefix="mcci-bench-") as root:
        for size in SIZES:
            folder = Path(root, str(size))
            folder.mkdir()
            (folder / ".gitlab-ci.yml").write_text(configuration(size))
            count = runs if size < SIZES[-1] else max(runs // 3, 2)
            samples[f"load-{size}"] = best([sys.executable, "-c", LOAD, ".gitlab-ci.yml"], count, folder)
            simulate = [sys.executable, "-m", "mcci", "simulate", "push", "--branch", "main"]
            samples[f"simulate-{size}"] = best(simulate, count, folder)
            ratios[f"load-{size}"] = samples[f"simulate-{size}"] / samples[f"load-{size}"]
        ratios["growth"] = samples[f"simulate-{SIZES[-1]}"] / samples[f"simulate-{SIZES[-2]}"] / (SIZES[-1] / SIZES[-2])
        if peer is not None:
            _measure_peer(peer, Path(root, str(PEER_SIZE)), samples, ratios, versions)
    return Figures(ratios=ratios, versions=versions, samples=samples)


def _measure_peer(
    peer: str, folder: Path, samples: dict[str, float], ratios: dict[str, float], versions: dict[str, str]
) -> None:
    """Measure gitlab-ci-local, which wants a git repository with a remote branch around the file."""
    said = subprocess.run([peer, "--version"], capture_output=True, text=True, check=True)
    versions["gitlab-ci-local"] = said.stdout.strip()
    git = ["git", "-c", "user.name=bench", "-c", "user.email=bench@example.com", "-c", "commit.gpgSign=false"]
    for arguments in (
        ["init", "-q", "-b", "main"],
        ["remote", "add", "origin", "git@gitlab.example.com:group/project.git"],
        ["add", "."],
        ["commit", "-q", "-m", "bench"],
        ["update-ref", "refs/remotes/origin/main", "HEAD"],
        ["remote", "set-head", "origin", "main"],
    ):
        subprocess.run([*git, *arguments], cwd=folder, check=True, capture_output=True)
    samples["gitlab-ci-local"] = best([peer, "--list"], 1, folder)
    ratios[f"gitlab-ci-local-{PEER_SIZE}"] = samples["gitlab-ci-local"] / samples[f"simulate-{PEER_SIZE}"]


def found_peer() -> str | None:
    """Return where gitlab-ci-local is, if it is installed."""
    beside = Path(sys.executable).with_name("gitlab-ci-local")
    return str(beside) if beside.exists() else shutil.which("gitlab-ci-local")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--peer", default=found_peer(), help="gitlab-ci-local (default: beside Python, or on PATH)")
    parser.add_argument("--runs", type=int, default=7, help="runs of each process")
    arguments = parser.parse_args()
    measure(arguments.peer, arguments.runs).show(as_json=arguments.json)


if __name__ == "__main__":
    main()
