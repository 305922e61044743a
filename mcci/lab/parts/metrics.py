"""The metrics: a Prometheus a cluster, which reads its Envoy and keeps what it reads under Istio's names."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from mcci.clients import ports
from mcci.lab.parts import mesh
from mcci.lab.parts.kept import end_left, keep

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from mcci.lab.plan import Folder, Plan

NAME = "metrics"
HOST = "127.0.0.1"
PROGRAM = "prometheus"
ABSENT = f"no {PROGRAM} on PATH: canaries are not judged (Debian: apt-get install {PROGRAM})"


def start(plan: Plan, folder: Folder, stack: ExitStack, say: Callable[[str], None]) -> dict[str, Any]:
    """Start a Prometheus for every cluster whose Envoy runs; without the program there is none."""
    from mcci.lab.mesh.prometheus import Prometheus

    if not mesh.is_there(plan):
        return {}
    if shutil.which(PROGRAM) is None:
        say(ABSENT)
        return {}
    found = []
    for name in (name for each in plan.meshes for name in each.clusters):
        place = folder.path / NAME / name
        admin = (mesh.HOST, ports.kept(folder.path / mesh.NAME / name / "admin-port", taken=True))
        address = (HOST, ports.kept(place / "port"))
        found.append(Prometheus(name, place, address=address, envoy=admin))
    keep(found, stack, folder, NAME)
    say(f"Prometheus of {', '.join(each.cluster for each in found)}")
    return {each.cluster: {"prometheus": each.url} for each in found}


def clean(plan: Plan, folder: Folder, facts: dict[str, Any]) -> None:
    """End what a killed supervisor has left."""
    del plan, facts
    end_left(folder, NAME)
