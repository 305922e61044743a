"""The sites' machines, wired to an internet of their own and to this machine, where the pods are.

What a site's machine sends to a pod's address in the network comes here by its wire, and is handed to the pod's address
on this machine. What a cluster's Envoy sends from its address in its site's private network goes to that site's
machine, whatever else this machine's routes say.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from mcci.clients import namespaces
from mcci.errors import McciError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import ExitStack
    from pathlib import Path

    from mcci.clients.namespaces import Machine
    from mcci.lab.network.model import Joined, Site

INTERNET = "internet"
POSTROUTING = "{ type nat hook postrouting priority srcnat; }"
PREROUTING = "{ type nat hook prerouting priority dstnat; }"


def start(joined: Joined, logs: Path, stack: ExitStack) -> Mapping[str, Machine]:
    """Start the internet and every site's machine; the stack ends them. Raises `ServiceFailed`."""
    clean(joined)
    logs.mkdir(parents=True, exist_ok=True)
    found = {}
    for name in (INTERNET, *(each.name for each in joined.sites)):
        found[name], daemon = namespaces.start(name, logs / f"{name}.log")
        stack.callback(daemon.stop, 0)
    internet = found[INTERNET]
    internet.shell("ip link add br0 type bridge; ip link set br0 up")
    stack.callback(clean, joined)
    namespaces.here(_chain(joined.table, PREROUTING))
    for each in joined.sites:
        _outside(each, found[each.name], internet)
        _inside(each, found[each.name], joined.table)
    return found


def clean(joined: Joined) -> None:
    """Take back what this machine was told; the wires go with the machines."""
    for each in joined.sites:
        _quietly(f"ip rule del from {each.envoy} lookup {each.table}")
        _quietly(f"ip link del {each.device}")
    _quietly(f"nft delete table ip {joined.table}")


def _outside(site: Site, machine: Machine, internet: Machine) -> None:
    wan = f"wan{site.number}"
    namespaces.wire(internet, wan, machine, "wan")
    internet.shell(f"ip link set {wan} master br0 up")
    machine.shell(f"ip addr add {site.address}/24 dev wan; ip link set wan up")


def _inside(site: Site, machine: Machine, table: str) -> None:
    namespaces.plug(site.device, machine, "lan")
    machine.shell(
        f"ip addr add {site.inside}/30 dev lan; ip link set lan up\n"
        f"ip route add {site.pods} via {site.envoy}\n"
        # so that the pods' answers come back by this site's wire
        f"{_chain(table, POSTROUTING)}; nft add rule ip {table} pods oifname lan ip daddr {site.pods} masquerade"
    )
    namespaces.here(
        f"ip link set {site.device} up; ip addr add {site.envoy}/32 dev {site.device}\n"
        f"ip route add {site.inside}/32 dev {site.device} src {site.envoy}\n"
        f"ip route add default via {site.inside} dev {site.device} table {site.table}\n"
        f"ip rule add from {site.envoy} lookup {site.table}\n"
        f"sysctl -q -w net.ipv4.conf.{site.device}.route_localnet=1\n"
        f"nft add rule ip {table} pods iifname {site.device}"
        f" dnat ip prefix to ip daddr map '{{ {site.pods} : {site.here} }}'"
    )


def _chain(table: str, hook: str) -> str:
    return f"nft add table ip {table}; nft add chain ip {table} pods '{hook}'"


def _quietly(command: str) -> None:
    with suppress(McciError):  # it was not there
        namespaces.here(command)
