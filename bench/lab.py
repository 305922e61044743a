"""What the whole lab costs: seconds until it is up, and memory with the sample application deployed and under load.

    python bench/lab.py [--json] [--empty]

`up` are the seconds of a first `mcci lab up` with the three clusters of the sample application's mcci.yml, by the part
that they went to (at most 20). `again` are those of an `up` that brings everything deployed back. `memory` is the
proportional set size of all the lab's processes in MB, by part, with the six services deployed by `mcci deploy` to
stage and production, in containers, and requests at 50 a second (at most 2048 MB). With `--empty` nothing is deployed,
and no engine is needed for images. Without docker, docker-registry, prometheus and root those parts are not in it, and
`parts` says which are.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from mcci.clients import base_image  # noqa: E402 - found on the path added above
from tests.service.engine import wheels  # noqa: E402
from tests.tools.helm import helm  # noqa: E402

LIMITS = {"up": 20.0, "memory": 2048.0}
LOAD = "staff-service/drivers/v-0001=50"
SETTLED = 15.0  # seconds that what was deployed runs before memory is read


class Project:
    """A copy of the sample application, and mcci's commands in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "vehicles"
        self.state = folder / "state"
        shutil.copytree(wheels.SAMPLE, self.folder, ignore=shutil.ignore_patterns(*wheels.MADE))
        shutil.copytree(ROOT / "charts", self.folder / "charts")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("MCCI", "KUBECONFIG", "CI"))}
        kept.pop("DOCKER_HOST", None)
        path = f"{helm('3').parent}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
        self.environment = {**kept, "PATH": path, "MCCI_LAB_STATE": str(self.state), "PYTHONPATH": str(ROOT)}

    def mcci(self, *arguments: str) -> str:
        """Run a command; return what it prints."""
        return self._run(sys.executable, "-m", "mcci", *arguments)

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def up(self) -> dict[str, float]:
        """Start the lab; return the seconds by what it has said, and `up` for all."""
        begun = last = time.perf_counter()
        found: dict[str, float] = {}
        command = [sys.executable, "-m", "mcci", "lab", "up"]
        with subprocess.Popen(
            command, cwd=self.folder, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr
            for line in process.stderr:
                now = time.perf_counter()
                name = line.split()[0].removesuffix(":")
                found[name] = found.get(name, 0.0) + now - last
                last = now
        if process.returncode:
            raise RuntimeError(f"mcci lab up: {process.returncode}\n{(self.state / 'supervisor.log').read_text()}")
        return {"up": time.perf_counter() - begun, **found}

    def status(self) -> dict[str, Any]:
        """Return what `mcci lab status` says."""
        body: dict[str, Any] = json.loads(self.mcci("lab", "status", "--format", "json"))
        return body

    def deploy(self) -> None:
        """Build the six services with this machine's Python, and deploy them to stage and production."""
        status, exports = self.status(), self.mcci("lab", "status", "--format", "env")
        for line in exports.splitlines():
            name, _, value = line.removeprefix("export ").partition("=")
            self.environment[name] = value
        registry = status["registry"]
        base = f"{registry}/base/python:local"
        base_image.publish(self.environment["DOCKER_HOST"], base)
        images = {name: self._image(name, base, f"{registry}/vehicles-demo/{name}:1") for name in wheels.services()}
        file = self.folder / "mcci.yml"
        config = yaml.safe_load(file.read_text())
        config["registry"] |= {"host": registry, "insecure": True}
        for each in status["clusters"]:
            config["clusters"][each["name"]] |= {"prometheus": each["prometheus"], "gateway": each["gateway"]}
        file.write_text(yaml.safe_dump(config, sort_keys=False))
        services = [
            {"service": name, "image": image, "content_tag": "", "commit": "", "source_pipeline": ""}
            for name, image in images.items()
        ]
        release = {"schema": "mcci.release/1", "release": "1" * 40, "services": services}
        (self.folder / "release.json").write_text(json.dumps(release))
        for environment in ("stage", "production"):
            self.mcci("deploy", "--environment", environment)

    def _image(self, name: str, base: str, tag: str) -> str:
        context = self.folder / name
        (context / "dist").mkdir(exist_ok=True)
        for wheel in wheels.build().glob("*.whl"):
            shutil.copy(wheel, context / "dist")
        given = ["--build-arg", f"BASE_IMAGE={base}", "--build-arg", "SERVICE_VERSION=v1"]
        self._run("docker", "build", "-q", "--network", "none", *given, "--tag", tag, str(context))
        self._run("docker", "push", "-q", tag)
        return self._run("docker", "image", "inspect", "--format", "{{index .RepoDigests 0}}", tag).strip()


def memory(state: Path, supervisor: int) -> dict[str, float]:
    """Return the proportional set size in MB of a lab's processes, by part: they name its folder, or one above does."""
    processes = {int(path.name): path for path in Path("/proc").glob("[0-9]*")}
    parents, commands = {}, {}
    for pid, path in processes.items():
        try:
            parents[pid] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            commands[pid] = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
    found: dict[str, float] = {}
    for pid in commands:
        line = _line(pid, parents)
        named = [each for each in line if each == supervisor or str(state) in commands.get(each, "")]
        if named and pid != os.getpid():
            part = _part(commands[pid] if pid in named else "pod", pid == supervisor)
            found[part] = found.get(part, 0.0) + _pss(processes[pid])
    return found


def _line(pid: int, parents: dict[int, int]) -> list[int]:
    line = [pid]
    while (pid := parents.get(pid, 0)) > 1:
        line.append(pid)
    return line


def _part(command: str, supervises: bool) -> str:
    if supervises:
        return "clusters"
    names = {"docker-registry": "registry", "dockerd": "engine", "containerd": "engine", "envoy": "mesh"}
    names |= {"prometheus": "metrics", "mcci.lab.load": "load"}
    return next((part for word, part in names.items() if word in command.partition("--config")[0]), "pods")


def _pss(path: Path) -> float:
    try:
        lines = (path / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def measure(*, empty: bool) -> dict[str, Any]:
    """Return the figures."""
    with tempfile.TemporaryDirectory(prefix="mcci-bench-") as place:
        project = Project(Path(place))
        try:
            up = project.up()
            if not empty:
                project.deploy()
                project.mcci("lab", "up", "--load", LOAD)
                time.sleep(SETTLED)
            status = project.status()
            used = memory(project.state, status["pid"])
            traffic = json.loads(project.mcci("lab", "traffic", "--format", "json", "--seconds", "3"))
            project.mcci("lab", "down")
            again = project.up()
        finally:
            project.mcci("lab", "down", "--delete")
    return {
        "up": round(up.pop("up"), 2), "up-parts": {name: round(seconds, 2) for name, seconds in up.items()},
        "again": round(again["up"], 2), "memory": round(sum(used.values()), 1),
        "memory-parts": {name: round(each, 1) for name, each in sorted(used.items())},
        "parts": sorted({each["part"] for each in status["programs"]} | {"clusters"}),
        "clusters": len(status["clusters"]),
        "requests": sum(each["requests"] for each in traffic["services"]),
        "failed": sum(each["failed"] for each in traffic["services"]),
    }  # fmt: skip


def main() -> int:
    """Exit codes: 0 within the limits, 1 not."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--empty", action="store_true", help="deploy nothing")
    options = parser.parse_args()
    found = measure(empty=options.empty)
    good = all(found[name] <= limit for name, limit in LIMITS.items())
    if options.json:
        print(json.dumps({**found, "limits": LIMITS, "within": good}))
        return 0 if good else 1
    print(f"Python {platform.python_version()}, {found['clusters']} clusters, parts: {', '.join(found['parts'])}")
    print(f"up      {found['up']:.2f} s ({found['up'] / LIMITS['up']:.0%} of {LIMITS['up']:g} s)")
    for name, seconds in found["up-parts"].items():
        print(f"  {name:<11} {seconds:6.2f} s")
    print(f"again   {found['again']:.2f} s, with what was deployed")
    print(f"memory  {found['memory']:.0f} MB ({found['memory'] / LIMITS['memory']:.0%} of {LIMITS['memory']:g} MB)")
    for name, used in found["memory-parts"].items():
        print(f"  {name:<11} {used:6.1f} MB")
    print(f"traffic {found['requests']} requests in 3 s, {found['failed']} failed")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
