"""The metrics: a Prometheus a cluster, which reads its Envoy and keeps what it reads under Istio's names."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from mcci.clients import background, ports

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from mcci.lab.plan import Folder, Plan

NAME = "metrics"
HOST = "127.0.0.1"
PROGRAM = "prometheus"
ABSENT = f"no {PROGRAM} on PATH: canaries are not judged (Debian: apt-get install {PROGRAM})"
GRACE = 5.0  # seconds


def start(plan: Plan, folder: Folder, stack: ExitStack, say: Callable[[str], None]) -> dict[str, Any]:
    """Start a Prometheus for every cluster whose Envoy runs; without the program there is none."""
    from mcci.lab.mesh.prometheus import Prometheus
    from mcci.lab.parts import mesh
    from mcci.lab.parts.kept import keep

    if not plan.routed or not (folder.path / mesh.NAME).is_dir():
        return {}
    if shutil.which(PROGRAM) is None:
        say(ABSENT)
        return {}
    found = []
    for name in plan.clusters:
        place = folder.path / NAME / name
        admin = (mesh.HOST, ports.kept(folder.path / mesh.NAME / name / "admin-port", taken=True))
        address = (HOST, ports.kept(place / "port"))
        found.append(Prometheus(name, place, address=address, envoy=admin))
    keep(found, stack, NAME)
    say(f"Prometheus of {', '.join(each.cluster for each in found)}")
    return {
        each.cluster: {"prometheus": each.url, "pid": each.pid, "began": background.began(each.pid)} for each in found
    }


def clean(plan: Plan, folder: Folder, facts: dict[str, Any]) -> None:
    """End what a killed supervisor has left."""
    del plan, folder
    for each in facts.values():
        background.end(each["pid"], each["began"], GRACE)
