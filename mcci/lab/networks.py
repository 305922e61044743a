"""The addresses of a lab in 127/8: its pods' and its Services'. No two labs that run on a machine have one in common.

A lab has a slot: 127.(64+slot) for pods and 127.(128+slot) for Services, each cut into a network a cluster. It holds
the slot by a port there, which the system frees when the lab's process ends, however it ends.
"""

from __future__ import annotations

import hashlib
import ipaddress
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from mcci.clients import ports
from mcci.errors import ServiceFailed

if TYPE_CHECKING:
    from contextlib import ExitStack

    from mcci.lab.clusters.store import Store
    from mcci.lab.plan import Folder

SLOTS = 60
PODS, SERVICES = 64, 128  # the second number of an address, in slot 0
SIZE = 4  # in the third number: 1022 addresses a cluster
FILE = "slot"
DOOR = 41264  # the port by which a slot is held


def pods(slot: int, number: int) -> str:
    """Return the addresses of a cluster's pods; a lab's clusters are counted from 0."""
    return f"127.{PODS + slot}.{SIZE * number}.0/22"


def services(slot: int, number: int) -> str:
    """Return the addresses of a cluster's Services, at which its Envoy listens."""
    return f"127.{SERVICES + slot}.{SIZE * number}.0/22"


def claim(folder: Folder, stack: ExitStack) -> int:
    """Return the slot that the lab had before, or another where a lab that runs has that; held by the stack.

    Raises `ServiceFailed` where every slot is taken.
    """
    first = remembered(folder)
    for slot in chain(range(first, SLOTS), range(first)):
        release = ports.hold(f"127.{PODS + slot}.255.254", DOOR)
        if release is not None:
            stack.callback(release)
            (folder.path / FILE).write_text(str(slot))
            return slot
    raise ServiceFailed(f"{SLOTS} labs run on this machine, and there are no addresses for another: `mcci lab down`.")


def remembered(folder: Folder) -> int:
    """Return the slot that the lab has, or had; of a new one, the one to try first."""
    with suppress(FileNotFoundError, ValueError):
        return int((folder.path / FILE).read_text()) % SLOTS
    return int(hashlib.sha256(str(folder.path).encode()).hexdigest(), 16) % SLOTS


def renumber(store: Store, network: str) -> None:
    """Give the Services of a cluster addresses of `network`, where theirs are of another: the lab has moved."""
    from mcci.lab.clusters.resources import SERVICES as KIND

    addresses = ipaddress.ip_network(network)
    found = [each for each in store.list(KIND) if each["spec"].get("clusterIP") not in (None, "", "None")]
    taken = {each["spec"]["clusterIP"] for each in found}
    free = (str(each) for each in addresses.hosts() if str(each) not in taken)
    for each in found:
        if ipaddress.ip_address(each["spec"]["clusterIP"]) not in addresses:
            address = next(free)
            wanted = {"clusterIP": address, "clusterIPs": [address]}
            edit = partial(_give, wanted)
            store.change(KIND, each["metadata"]["name"], each["metadata"]["namespace"], edit)


def _give(wanted: dict[str, Any], service: dict[str, Any]) -> None:
    service["spec"] |= wanted
