"""A small internet on this machine: each site's instance and a private host behind it, in namespaces of their own."""

from __future__ import annotations

import re
import subprocess
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from mcci.clients import namespaces
from mcci.clients.namespaces import Machine
from mcci.lab.network import tunnels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Place(Machine):
    """Something with a network of its own."""

    def sh(self, script: str) -> str:
        """Run a shell's script there."""
        return self.run("sh", "-c", script)

    def pings(self, address: str, *options: str) -> bool:
        """Say whether an address answers one of three pings."""
        command = self.enter("ping", "-c", "3", "-i", "0.2", "-W", "1", *options, address)
        return subprocess.run(command, capture_output=True).returncode == 0


@dataclass(frozen=True, slots=True)
class Outage:
    """How many of the pings sent were lost, and for how many seconds on end at most."""

    sent: int
    lost: int
    seconds: float


@dataclass(frozen=True, slots=True)
class World:
    """The internet, and by site the instances (gateways) and the hosts behind them."""

    internet: Place
    gateways: Mapping[str, Place]
    hosts: Mapping[str, Place]
    folder: Path

    def pairs(self) -> list[tuple[str, str]]:
        """Every two sites, both ways round."""
        return [(one, other) for one in self.hosts for other in self.hosts if one != other]

    def reaches(self, one: str, other: str) -> bool:
        """Say whether the host behind one site reaches the host behind the other."""
        return self.hosts[one].pings(host_address(list(self.hosts).index(other) + 1))

    def reachable(self) -> dict[tuple[str, str], bool]:
        """Ask every pair at once."""
        found: dict[tuple[str, str], bool] = {}
        threads = [
            threading.Thread(target=lambda p=pair: found.__setitem__(p, self.reaches(*p))) for pair in self.pairs()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return found

    @contextmanager
    def pinging(self, one: str, other: str, interval: float = 0.1) -> Iterator[list[Outage]]:
        """Ping from host to host meanwhile; afterwards the list has the one result."""
        results: list[Outage] = []
        address = host_address(list(self.hosts).index(other) + 1)
        command = self.hosts[one].enter("ping", "-i", str(interval), "-W", "1", "-D", address)
        log = self.folder / f"ping-{one}-{other}.log"  # a pipe that nobody reads would stop it once it is full
        with log.open("w") as file:
            process = subprocess.Popen(command, stdout=file)
        began = time.time()
        try:
            yield results
        finally:
            ended = time.time()
            child = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split()
            subprocess.run(["kill", "-INT", *child], capture_output=True)  # nsenter ends after it
            process.wait(timeout=10)
            results.append(_outage(log.read_text(), interval, began, ended))

    def cut(self, *names: str) -> None:
        """Drop every packet between two instances on their way through the internet."""
        one, other = (address(list(self.gateways).index(name) + 1) for name in names)
        self.internet.sh(
            "nft -f - <<END\nadd table bridge cut\n"
            "add chain bridge cut forward { type filter hook forward priority 0; }\n"
            f"add rule bridge cut forward ip saddr {one} ip daddr {other} drop\n"
            f"add rule bridge cut forward ip saddr {other} ip daddr {one} drop\nEND"
        )

    def mute(self, one: str, other: str, port: int) -> None:
        """Drop silently what an instance sends to a tunnel's port of another; the other way, and all else, is open."""
        sender, receiver = (address(list(self.gateways).index(name) + 1) for name in (one, other))
        self.internet.sh(
            "nft -f - <<END\nadd table bridge cut\n"
            "add chain bridge cut forward { type filter hook forward priority 0; }\n"
            f"add rule bridge cut forward ip saddr {sender} ip daddr {receiver} udp dport {port} drop\nEND"
        )

    def mend(self) -> None:
        """Let everything through again."""
        self.internet.sh("nft delete table bridge cut")


def address(number: int) -> str:
    """Return the public address of site `number`."""
    return f"198.18.0.{number}"


def host_address(number: int) -> str:
    """Return the address of the private host behind site `number`."""
    return f"10.{number}.0.10"


def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until something holds. Raises where it does not come to."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"it did not come to hold within {seconds:.0f} seconds"
        time.sleep(0.2)


@contextmanager
def world(names: Sequence[str], folder: Path) -> Iterator[World]:
    """Make the internet with these sites, and take it away again."""
    with ExitStack() as stack:
        internet = stack.enter_context(_place("internet", folder))
        internet.sh("ip link add br0 type bridge && ip link set br0 up")
        gateways = {name: stack.enter_context(_place(name, folder)) for name in names}
        hosts = {name: stack.enter_context(_place(f"{name}-host", folder)) for name in names}
        for number, name in enumerate(names, 1):
            _wire(internet, gateways[name], hosts[name], number)
        yield World(internet, gateways, hosts, folder)


@contextmanager
def join(found: World, number: int) -> Iterator[Place]:
    """Plug one more machine into the internet, at `address(number)`."""
    with _place(f"machine-{number}", found.folder) as place:
        namespaces.wire(found.internet, f"wan{number}", place, "wan")
        found.internet.sh(f"ip link set wan{number} master br0 up")
        place.sh(f"ip addr add {address(number)}/24 dev wan && ip link set wan up")
        yield place


def quick(found: World, network: Path) -> None:
    """Let Ansible reach the instances that a rendered folder has by entering them, in place of ssh."""
    known = {path.stem for path in network.glob("ansible/inventory/host_vars/*.yml")}
    tunnels.enter_machines({name: place for name, place in found.gateways.items() if name in known}, network)


@contextmanager
def _place(name: str, logs: Path) -> Iterator[Place]:
    machine, daemon = namespaces.start(name, logs / f"{name}.log")
    try:
        yield Place(name, machine.pid)
    finally:
        daemon.stop(0)


def _wire(internet: Place, gateway: Place, host: Place, number: int) -> None:
    """Plug an instance into the internet, and a host into the instance."""
    namespaces.wire(internet, f"wan{number}", gateway, "wan")
    namespaces.wire(gateway, "lan", host, "lan")
    internet.sh(f"ip link set wan{number} master br0 up")
    gateway.sh(f"ip addr add {address(number)}/24 dev wan && ip link set wan up")
    gateway.sh(f"ip addr add 10.{number}.0.1/16 dev lan && ip link set lan up")
    host.sh(f"ip addr add {host_address(number)}/16 dev lan && ip link set lan up")
    host.sh(f"ip route add default via 10.{number}.0.1")


def _outage(text: str, interval: float, began: float, ended: float) -> Outage:
    """Read a ping's output: what came back, and the longest time without an answer. The last ping may be on its way."""
    got = [(float(at), int(seq)) for at, seq in re.findall(r"\[([\d.]+)\].*icmp_seq=(\d+) ttl", text)]
    match = re.search(r"(\d+) packets transmitted", text)
    assert match, f"ping was not ended in order: {text[-200:]}"
    sent = int(match[1]) - 1
    received = len({seq for _, seq in got if seq <= sent})
    times = [began, *(at for at, _ in got), ended]
    longest = max(later - sooner for sooner, later in pairwise(times))
    return Outage(sent, sent - received, round(max(0.0, longest - interval), 2))
