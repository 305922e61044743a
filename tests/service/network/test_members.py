"""A network that changes: a site is added, one is taken out, one cannot be reached, certificates near their end; and
through all of it, no private key is anywhere but on the host that made it.
"""

from __future__ import annotations

import os
import socket
import threading
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.service.network.conftest import ready
from tests.service.network.project import Project
from tests.service.network.world import until, world

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.faults, pytest.mark.slow]
FIRST = ("aws", "azure", "gcp")
ALL = (*FIRST, "dc")


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Four sites, of which the first three are joined."""
    ready()
    folder = tmp_path_factory.mktemp("four")
    with world(ALL, folder) as found:
        project = Project(folder, found)
        project.write(sites=FIRST)
        with seen(project):
            project.apply()
        yield project


def test_a_site_is_added(four: Project) -> None:
    """A fourth site is joined to all, and between the first three no packet is lost meanwhile."""
    among = {pair: good for pair, good in four.world.reachable().items() if "dc" not in pair}
    assert set(among.values()) == {True}
    four.write(sites=ALL)
    with four.world.pinging("aws", "azure") as outages, seen(four):
        four.apply()
    assert outages[0].lost == 0, outages
    until(lambda: all(four.world.reachable().values()))
    assert "changed: " not in four.apply()


def test_keys_are_nowhere_else(four: Project) -> None:
    """No private key, nor a part of one, was in a command line, was said, or is in a file of the project."""
    kept = "".join(path.read_text(errors="replace") for path in four.folder.rglob("*") if path.is_file())
    parts = secrets(four)
    assert len(parts) > 4 * 3
    for where, text in (
        ("files", kept),
        ("command lines and environments", "".join(COMMANDS)),
        ("words", "".join(SAID)),
    ):
        assert text
        found = [part for part in parts if part in text]
        assert not found, where


def test_a_site_that_cannot_be_reached(four: Project) -> None:
    """`apply` says which site, why, and that nothing was changed anywhere; the tunnels go on; then it goes on, too."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # taken, and nobody listens
        gone = four.folder / "network/ansible/inventory/zz-gone.yml"
        port = nobody.getsockname()[1]
        gone.write_text(
            "all: {hosts: {gcp: {ansible_connection: ssh, ansible_host: 127.0.0.1, ansible_shell_executable: /bin/sh, "
            f"ansible_port: {port}}}}}}}\n"
        )
        before = four.world.gateways["aws"].sh("find /etc/openvpn -newer /etc/openvpn/mcci/unit | sort")
        said = four.mcci("apply", "--renew", "aws", code=1)
        gone.unlink()
    assert "failed gcp: " in said
    assert "nothing listens there: is the instance up, with ssh?" in said
    assert "nothing was changed" in said
    assert "1 of 4 sites could not be set up" in said
    assert four.world.gateways["aws"].sh("find /etc/openvpn -newer /etc/openvpn/mcci/unit | sort") == before
    assert set(four.world.reachable().values()) == {True}


def test_a_certificate_near_its_end(four: Project) -> None:
    """`verify` tells of it, and the next `apply` renews it while the tunnels go on; keys and serials are new."""
    short = four.folder / "network/ansible/inventory/group_vars/all/short.yml"
    short.parent.mkdir()
    (four.folder / "network/ansible/inventory/group_vars/all.yml").rename(short.parent / "all.yml")
    short.write_text("pki_certificate_days: 20\npki_renew_before_days: 400\n")
    four.mcci("apply")  # all have certificates for twenty days
    for path in (short, short.parent / "all.yml"):
        path.unlink()
    short.parent.rmdir()
    four.mcci("render")
    assert "its certificate ends in 20 days" in four.mcci("verify", "--seconds", "0", "--count", "3", code=1)
    azure = four.world.gateways["azure"]
    serial = azure.sh("openssl x509 -in /etc/openvpn/mcci/site.crt -noout -serial")
    with four.world.pinging("aws", "azure") as outages, seen(four):
        four.apply()
    assert outages[0].lost == 0, outages
    assert azure.sh("openssl x509 -in /etc/openvpn/mcci/site.crt -noout -serial") != serial
    four.mcci("verify", "--seconds", "0", "--count", "3")
    assert "nothing had to be changed" in four.apply()


def test_a_site_is_taken_out(four: Project) -> None:
    """A site that is gone from mcci.yml is refused by all, loses its routes there, and nobody else loses a packet."""
    four.write(sites=FIRST)
    with four.world.pinging("aws", "azure") as outages:
        four.apply()
    assert outages[0].lost == 0, outages
    reachable = four.world.reachable()
    assert {pair for pair, good in reachable.items() if not good} == {pair for pair in reachable if "dc" in pair}
    assert "10.4.0.0" not in four.world.gateways["aws"].sh("ip route")
    assert not (four.folder / "network/ansible/inventory/host_vars/dc.yml").exists()
    until(lambda: "certificate revoked" in four.world.gateways["aws"].sh("cat /run/mcci-vpn/server-mcci.log"))


COMMANDS: set[str] = set()
SAID: list[str] = []


@contextmanager
def seen(project: Project) -> Iterator[None]:
    """Meanwhile, look at each new process's command line and environment, and keep what `mcci` says at its wordiest."""
    ended = threading.Event()
    looks: Counter[str] = Counter()  # a process changes what it runs soon after it began
    project.verbose = True

    def look() -> None:
        while not ended.wait(0.02):
            for number in os.listdir("/proc"):
                if number.isdigit() and looks[number] < 3:
                    looks[number] += 1
                    for name in ("cmdline", "environ"):
                        with suppress(OSError):
                            COMMANDS.add(Path("/proc", number, name).read_text(errors="replace"))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        project.verbose = False
        SAID.extend(project.said)


def secrets(project: Project) -> set[str]:
    """Return the lines of every private key on every site: the authority's, the sites', and those of tls-crypt."""
    found = set()
    files = "/etc/openvpn/mcci/*.key /etc/openvpn/mcci/clients/*.key /etc/openvpn/mcci/servers/*.key"
    for place in project.world.gateways.values():
        text = place.sh(f"cat {files} /etc/openvpn/mcci-ca/private/*.key 2>/dev/null || true")
        found |= {line for line in text.splitlines() if len(line) > 40 and " " not in line}
    return found
