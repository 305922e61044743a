"""A small internet on this machine: each site's instance and a private host behind it, in namespaces of their own.

An instance has its own network, processes, `/etc` and `/run`. Whatever runs in it ends with it.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

START = """
set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/etc/upper /run/etc/work
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/etc/upper,workdir=/run/etc/work /etc
ip link set lo up
echo ready
exec sleep infinity
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Something with a network of its own, entered by the number of its first process."""

    name: str
    pid: int

    def enter(self, *arguments: str) -> list[str]:
        """Return the command line that runs a program there."""
        return ["nsenter", "-t", str(self.pid), "--net", "--mount", "--pid", *arguments]

    def run(self, *arguments: str, timeout: float = 30) -> str:
        """Run a program there and return its output. Raises where it fails."""
        done = subprocess.run(self.enter(*arguments), capture_output=True, text=True, timeout=timeout)
        if done.returncode:
            raise AssertionError(f"{self.name}: {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

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
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        began = time.time()
        try:
            yield results
        finally:
            ended = time.time()
            child = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split()
            subprocess.run(["kill", "-INT", *child, str(process.pid)], capture_output=True)
            text = process.communicate(timeout=10)[0]
            results.append(_outage(text, interval, began, ended))

    def cut(self, *names: str) -> None:
        """Drop every packet between two instances on their way through the internet."""
        one, other = (address(list(self.gateways).index(name) + 1) for name in names)
        self.internet.sh(
            "nft -f - <<END\nadd table bridge cut\n"
            "add chain bridge cut forward { type filter hook forward priority 0; }\n"
            f"add rule bridge cut forward ip saddr {one} ip daddr {other} drop\n"
            f"add rule bridge cut forward ip saddr {other} ip daddr {one} drop\nEND"
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
        internet = stack.enter_context(_place("internet"))
        internet.sh("ip link add br0 type bridge && ip link set br0 up")
        gateways = {name: stack.enter_context(_place(name)) for name in names}
        hosts = {name: stack.enter_context(_place(f"{name}-host")) for name in names}
        for number, name in enumerate(names, 1):
            _wire(internet, gateways[name], hosts[name], number)
        yield World(internet, gateways, hosts, folder)


@contextmanager
def join(found: World, number: int) -> Iterator[Place]:
    """Plug one more machine into the internet, at `address(number)`."""
    with _place(f"machine {number}") as place:
        _veth(found.internet, f"wan{number}", place, "wan")
        found.internet.sh(f"ip link set wan{number} master br0 up")
        place.sh(f"ip addr add {address(number)}/24 dev wan && ip link set wan up")
        yield place


def quick(found: World, inventory: Path) -> None:
    """Let Ansible reach the instances that the inventory has by entering them, in place of ssh."""
    lines = ["all:", "  hosts:"]
    known = {path.stem for path in inventory.parent.glob("host_vars/*.yml")}
    for name, place in found.gateways.items():
        if name not in known:
            continue
        shell = found.folder / f"shell-{name}"
        # Ansible's shell module takes this for the shell in there, too
        enter = f'PLACE={name} exec nsenter -t {place.pid} --net --mount --pid /bin/sh "$@"'
        shell.write_text(f'#!/bin/sh\ntest -z "$PLACE" || exec /bin/sh "$@"\n{enter}\n')
        shell.chmod(0o755)
        lines += [
            f"    {name}:", "      ansible_connection: local", f"      ansible_shell_executable: {shell}",
            "      ansible_become: false", f"      ansible_python_interpreter: {sys.executable}",
        ]  # fmt: skip
    inventory.write_text("\n".join(lines) + "\n")


@contextmanager
def _place(name: str) -> Iterator[Place]:
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child",
         "--mount-proc", "sh", "-c", START],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", f"the namespaces of {name} cannot be made"
        child = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0]
        yield Place(name, int(child))
    finally:
        process.kill()
        process.communicate()


def _wire(internet: Place, gateway: Place, host: Place, number: int) -> None:
    """Plug an instance into the internet, and a host into the instance."""
    _veth(internet, f"wan{number}", gateway, "wan")
    _veth(gateway, "lan", host, "lan")
    internet.sh(f"ip link set wan{number} master br0 up")
    gateway.sh(f"ip addr add {address(number)}/24 dev wan && ip link set wan up")
    gateway.sh(f"ip addr add 10.{number}.0.1/16 dev lan && ip link set lan up")
    host.sh(f"ip addr add {host_address(number)}/16 dev lan && ip link set lan up")
    host.sh(f"ip route add default via 10.{number}.0.1")


def _veth(one: Place, device: str, other: Place, peer: str) -> None:
    command = ["ip", "link", "add", device, "netns", str(one.pid), "type", "veth", "peer", "name", peer]
    subprocess.run([*command, "netns", str(other.pid)], check=True)


def _outage(text: str, interval: float, began: float, ended: float) -> Outage:
    """Read a ping's output: what came back, and the longest time without an answer. The last ping may be on its way."""
    got = [(float(at), int(seq)) for at, seq in re.findall(r"\[([\d.]+)\].*icmp_seq=(\d+) ttl", text)]
    match = re.search(r"(\d+) packets transmitted", text)
    sent = int(match[1]) - 1 if match else round((ended - began) / interval)
    received = len({seq for _, seq in got if seq <= sent})
    times = [began, *(at for at, _ in got), ended]
    longest = max(later - sooner for sooner, later in pairwise(times))
    return Outage(sent, sent - received, round(max(0.0, longest - interval), 2))
