"""The network between the clusters of a mesh: a VPN's sites as machines inside this one (`mcci lab up --network`)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from mcci.lab.network import machines, requirements, tunnels
from mcci.lab.network.model import CONFIG, joined

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from mcci.lab.plan import Folder, Plan

NAME = "network"

logger = logging.getLogger(__name__)


def start(plan: Plan, folder: Folder, stack: ExitStack, say: Callable[[str], None]) -> dict[str, Any]:
    """Start the sites' machines and join them; does nothing where no network was asked for. Raises `McciError`."""
    network = joined(plan)
    if not network.sites:
        return {}
    requirements.check(plan)
    place = folder.path / NAME
    found = machines.start(network, place / "machines", stack)
    with (place / "log").open("w") as log:
        tunnels.make(network, found, place, lambda text: print(text, file=log, flush=True))
    names = ", ".join(each.name for each in network.sites)
    say(f"network of {names} by OpenVPN ({network.mode.value})")
    return {
        "mode": network.mode.value, "config": str(place / CONFIG), "folder": str(place),
        "internet": found[machines.INTERNET].pid,
        "sites": {each.name: {"pid": found[each.name].pid, "pods": each.pods} for each in network.sites},
    }  # fmt: skip


def clean(plan: Plan, folder: Folder, facts: dict[str, Any]) -> None:
    """Take back what a killed supervisor has told this machine; the sites' machines ended with it."""
    del folder, facts
    if plan.vpn:
        machines.clean(joined(plan))
