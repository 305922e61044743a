"""Images, measured beside the engine's own client and skopeo: real dockerd and registries, the sample application.

`python bench/images.py [--json] [a b c d]`, as root, with Debian's docker.io, docker-registry and skopeo.
(a) `mcci build` of one service beside `docker build` and `docker push` of the same: at most 0.6 s more. What
    a job's SBOM and provenance add, which docker does not make, is shown beside it.
(b) six services at once beside one after another: at least 1.4 times as fast on two cores.
(c) six unchanged services: no build, no upload, decided in less than 2 s.
(d) a 1 GB image of 10 layers, registry to registry, beside `skopeo copy`: at most 1.2 times its time, below 80 MB.
Every build is without cache; each pair is measured in turn, and the best of each counts.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mcci.clients import base_image  # noqa: E402 - found on the path added above
from mcci.clients.registry import reference  # noqa: E402
from mcci.delivery import candidates  # noqa: E402
from mcci.delivery.candidates import Candidate  # noqa: E402
from tests.service.engine import engines, wheels  # noqa: E402
from tests.service.engine.project import Project, login  # noqa: E402
from tests.service.registry import images, servers  # noqa: E402

LAYER = 100 * 2**20  # bytes
MOST = {"a": 0.6, "c": 2.0, "d": 1.2}
ROUNDS = 3


@dataclass(slots=True)
class Result:
    """One comparison: what was measured, in seconds, and whether it keeps the promise."""

    name: str
    figures: dict[str, float] = field(default_factory=dict)
    kept: bool = False


def timed(action: Callable[[], object]) -> float:
    """Return the seconds that `action` takes."""
    begin = time.monotonic()
    action()
    return time.monotonic() - begin


def best(*actions: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """Return each action's least seconds of some rounds, the actions in turn."""
    times = [[timed(action) for action in actions] for _ in range(rounds)]
    return [min(column) for column in zip(*times, strict=True)]


def mcci(project: Project, *arguments: str, **environment: str) -> None:
    """Run mcci, which must succeed."""
    done = project.mcci(*arguments, **environment)
    assert done.returncode == 0, done.stderr


def one_build(project: Project) -> Result:
    """Measure (a)."""
    image = f"{project.candidates.host}/{project.name}/by-docker:1"

    def docker() -> None:
        options = ["-q", "--no-cache", "--network=host", "--label=a=b", f"--build-arg=BASE_IMAGE={project.base}"]
        project.docker("build", *options, "-t", image, str(project.root / "webapp"))
        project.docker("push", "-q", image)

    build = ("build", "webapp", "--no-cache", "--force")
    theirs, ours, job = best(
        docker, lambda: mcci(project, *build), lambda: mcci(project, *build, GITLAB_CI="true")
    )  # fmt: skip
    figures = {
        "docker build and push": theirs, "mcci build": ours, "mcci build in a job, with SBOM and provenance": job,
        "added": ours - theirs, "added in a job": job - theirs,
    }  # fmt: skip
    return Result("a: one service", figures, ours - theirs <= MOST["a"])


def six_builds(project: Project) -> Result:
    """Measure (b)."""
    build = ("build", "--all", "--no-cache", "--force")
    one, many = best(lambda: mcci(project, *build, "--jobs", "1"), lambda: mcci(project, *build), rounds=2)
    figures = {"one after another": one, "at once": many, "times as fast": one / many}
    return Result("b: six services", figures, one / many >= 1.4)


def unchanged(project: Project) -> Result:
    """Measure (c)."""
    mcci(project, "build", "--all")
    for name in wheels.services():
        assert project.candidate(name).digest
    mcci(project, "push", *wheels.services())
    before = {name: project.tags(f"{project.name}/{name}") for name in wheels.services()}
    project.git("commit", "-q", "--allow-empty", "-m", "nothing for an image")
    (seconds,) = best(lambda: mcci(project, "build", "--all", DOCKER_HOST="unix:///no/engine"))
    after = {name: project.tags(f"{project.name}/{name}") for name in wheels.services()}
    return Result("c: six unchanged services", {"decided in": seconds}, before == after and seconds < MOST["c"])


def copy(project: Project, folder: Path) -> Result:
    """Measure (d)."""
    skopeo = servers.need("skopeo", "skopeo")
    source = reference.parse(f"{project.candidates.host}/{project.name}/large")
    with project.registry(project.candidates) as registry:
        layers = [gzip.compress(os.urandom(LAYER), 0, mtime=0) for _ in range(10)]
        manifest = images.push(registry, source, layers)
        del layers
    image = source.at(manifest.digest)
    name = wheels.services()[0]
    candidates.save(project.root, Candidate(service=name, content_tag="content-large", image=image))
    text, memory, other, own = (project.root / "mcci.yml").read_text(), [0.0], [0.0], [0.0]
    skopeo_options = ["-q", "--src-tls-verify=false", "--dest-tls-verify=false"]
    for turn in range(2 * ROUNDS):  # each time into a registry that has nothing, so that nothing is mounted
        with servers.running(folder / f"hub-{turn}", user=True, tls=True) as hub:
            config = folder / f"config-{turn}"
            login(config, project.candidates, hub)
            if turn % 2:
                environment = {
                    **project.environment,
                    "DOCKER_CONFIG": str(config),
                    "SSL_CERT_FILE": str(hub.certificate),
                }
                (project.root / "mcci.yml").write_text(text.replace(project.hub.host, hub.host))
                own.append(watched([sys.executable, "-m", "mcci", "push", name], project.root, environment, memory))
            else:
                target = f"docker://{hub.host}/large:1"
                command = [
                    skopeo,
                    "copy",
                    *skopeo_options,
                    "--authfile",
                    str(config / "config.json"),
                    f"docker://{image}",
                ]
                other.append(watched([*command, target], project.root, project.environment, []))
        shutil.rmtree(folder / f"hub-{turn}")
    (project.root / "mcci.yml").write_text(text)
    least, ours = min(other[1:]), min(own[1:])
    figures = {"skopeo copy": least, "mcci push": ours, "ratio": ours / least, "MB of memory": max(memory)}
    return Result("d: 1 GB in 10 layers", figures, ours / least <= MOST["d"] and max(memory) < 80)


def watched(command: list[str], folder: Path, environment: dict[str, str], memory: list[float]) -> float:
    """Run a program that must succeed; return its seconds, and add the most memory it had, in MB, to `memory`."""
    begin = time.monotonic()
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        # of the program itself: what `wait` tells counts this process's own memory before the program began
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
        memory.append(int(found[1]) / 1024 if found else 0.0)
        time.sleep(0.02)
    assert process.returncode == 0
    return time.monotonic() - begin


def prepare(stack: ExitStack, folder: Path) -> Project:
    """Start the parts and return a project with the sample application."""
    engine = stack.enter_context(engines.dockerd(folder / "engine"))
    source = stack.enter_context(servers.running(folder / "candidates", user=True))
    hub = stack.enter_context(servers.running(folder / "hub", user=True, tls=True))
    os.environ["SSL_CERT_FILE"] = str(hub.certificate)
    login(folder / "docker-config", source, hub)
    base_image.write(folder / "base.tar")
    project = Project(folder / "project", engine, source, hub, f"{source.host}/base:1")
    changes = [f"--change=ENV {key}={value}" for key, value in base_image.environment().items()]
    project.docker("import", *changes, str(folder / "base.tar"), project.base)
    project.docker("push", "-q", project.base)
    wheels.install(project)
    return project


def main() -> int:
    """Run the benchmarks that are asked for, print their figures, and return 1 where one misses its promise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("which", nargs="*", default=list("abcd"), help="a, b, c, d (default: all)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    given = parser.parse_args()
    os.environ["CI"] = "true"  # a missing part is an error here
    with ExitStack() as stack, tempfile.TemporaryDirectory(prefix="mcci-bench-") as name:
        folder = Path(name)
        project = prepare(stack, folder)
        measures: dict[str, Callable[[], Result]] = {
            "a": lambda: one_build(project),
            "b": lambda: six_builds(project),
            "c": lambda: unchanged(project),
            "d": lambda: copy(project, folder),
        }
        results = [measures[each]() for each in given.which]
        stack.close()
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    if given.json:
        print(json.dumps([{"name": each.name, **each.figures, "kept": each.kept} for each in results], indent=2))
    else:
        for each in results:
            print(f"{'kept  ' if each.kept else 'MISSED'} {each.name}")
            for figure, value in each.figures.items():
                print(f"    {value:8.2f}  {figure}")
    print(f"load of this machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", file=sys.stderr)
    return 0 if all(each.kept for each in results) else 1


if __name__ == "__main__":
    sys.exit(main())
