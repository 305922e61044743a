"""`mcci lab up --network`: two clusters behind two sites of a VPN, and requests that cross it.

Real OpenVPN, Ansible, nftables, Envoy and containers. What passed is read from the tunnels' own counters.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mcci.clients import namespaces
from mcci.clients.load import Load
from mcci.lab.network import requirements
from tests.service.lab.conftest import Lab
from tests.service.lab.test_wire import RATE, SERVICE, Site, versions

if TYPE_CHECKING:
    from collections.abc import Callable

CLUSTERS = ("prod-aws", "prod-azure")
PIECES = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, version: CLUSTER}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - {name: web, image: IMAGE, env: [{name: CLOUD, value: CLUSTER}]}
"""
ROUTES = """
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web}
spec:
  host: web
  subsets: [{name: aws, labels: {version: prod-aws}}, {name: azure, labels: {version: prod-azure}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  hosts: [web]
  http:
  - match: [{uri: {prefix: /azure}}]
    route: [{destination: {host: web, subset: azure}}]
  - route: [{destination: {host: web, subset: aws}}]
"""


class Joined(Lab):
    """A lab whose clusters are joined by a VPN."""

    def up(self, *arguments: str) -> dict[str, Any]:
        """Start it with its network."""
        return super().up("--network", *arguments)

    def machine(self, name: str) -> namespaces.Machine:
        """Return a site's machine, or the internet between them."""
        facts = self.state["parts"]["network"]
        return namespaces.Machine(name, facts["internet"] if name == "internet" else facts["sites"][name]["pid"])

    def tunnelled(self) -> int:
        """Return the bytes that the site of prod-aws has sent through its tunnels."""
        table = self.machine("prod-aws").run("cat", "/proc/net/dev")
        return sum(int(line.split(":")[1].split()[8]) for line in table.splitlines() if re.match(r" *vpn", line))

    def cut(self) -> None:
        """Drop every packet between the sites."""
        self.machine("internet").shell(
            "nft add table bridge cut; nft add chain bridge cut forward"
            " '{ type filter hook forward priority 0; }'; nft add rule bridge cut forward drop"
        )

    def mend(self) -> None:
        """Let them pass again."""
        self.machine("internet").shell("nft delete table bridge cut")


@pytest.fixture
def joined(lab: Lab, engine: str) -> Joined:
    """Return a lab that is not up yet."""
    missing = [name for name in requirements.PROGRAMS if not shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")]
    if missing or os.geteuid() or not requirements.TUNNELS.exists():
        pytest.skip(f"a lab with a network needs root, {requirements.TUNNELS}, and {missing}")
    lab.environment["DOCKER_HOST"] = engine
    return Joined(lab.folder, lab.environment)


def eventually(holds: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.2)


def answer(address: str, path: str) -> str:
    """Return which cluster answers, or nothing where none does."""
    try:
        with urllib.request.urlopen(f"http://{address}:8080{path}", timeout=2) as found:
            return str(json.loads(found.read())["cloud"])
    except (OSError, urllib.error.HTTPError):
        return ""


def told(lab: Joined) -> list[str]:
    """Return what this machine was told for the lab's network: wires, a table, rules."""
    slot = int((lab.folder / "state/slot").read_text())
    everything = namespaces.here("ip -o link; nft list tables; ip rule")
    return [each for each in (f"mcci{slot}-", f"mcci_lab_{slot}\n", f"from 10.{128 + slot}.") if each in everything]


@pytest.mark.slow
def test_requests_to_the_other_cloud_cross_the_vpn(joined: Joined, web: str) -> None:
    """What goes to the other cluster passes the tunnel, and fails while that is cut; a killed lab leaves nothing."""
    joined.up(*CLUSTERS)
    for cluster in CLUSTERS:
        text = PIECES.replace("CLUSTER", cluster).replace("IMAGE", web) + (ROUTES if cluster == "prod-aws" else "")
        (joined.folder / "objects.yml").write_text(text)
        joined.run(cluster, "kubectl", "apply", "-f", str(joined.folder / "objects.yml"))
    service = joined.run("prod-aws", "kubectl", "get", "service", "web", "-o", "jsonpath={.spec.clusterIP}")
    eventually(lambda: answer(service, "/") == "prod-aws" and answer(service, "/azure") == "prod-azure")

    before = joined.tunnelled()
    assert {answer(service, "/") for _ in range(40)} == {"prod-aws"}
    at_home = joined.tunnelled() - before
    assert {answer(service, "/azure") for _ in range(40)} == {"prod-azure"}
    away = joined.tunnelled() - before - at_home
    assert away > at_home + 40 * 100, (at_home, away)

    joined.cut()
    assert answer(service, "/azure") == ""
    assert answer(service, "/") == "prod-aws"
    joined.mend()
    eventually(lambda: answer(service, "/azure") == "prod-azure")

    machine = joined.machine("prod-azure").pid
    assert len(told(joined)) == 3
    os.kill(joined.state["pid"], signal.SIGKILL)
    eventually(lambda: not Path(f"/proc/{machine}").exists())
    joined.mcci("down")
    assert told(joined) == []


@pytest.mark.faults
@pytest.mark.slow
def test_a_canary_crosses_the_vpn(joined: Joined, engine: str, base: str, tmp_path: Path) -> None:
    """A canary on Azure gets its share through the tunnel; with the path cut only that share fails, until an abort."""
    folder = tmp_path / "project"
    folder.mkdir()
    site = Site(joined, engine, base, folder)
    site.deploy("v1")
    with Load(site.address(), rate=RATE) as load:
        time.sleep(1)
        site.deploy("v2")
        idle = joined.tunnelled()
        time.sleep(4)
        idle = (joined.tunnelled() - idle) // 4  # bytes a second of the tunnels' own
        assert versions(load, 0).keys() == {"v1"}
        begun, before = time.time(), joined.tunnelled()
        site.mcci("canary", "step", SERVICE, "--to", "10", "--no-stay")
        site.step("50")
        time.sleep(5)
        crossed = joined.tunnelled() - before - int(idle * (time.time() - begun))
        answered = versions(load, begun)
        assert answered["v2"] > 100
        assert crossed > 100 * answered["v2"], (crossed, answered)
        assert load.tally.failed == 0

        joined.cut()
        cut = time.time()
        time.sleep(3)
        site.mcci("canary", "abort", SERVICE)
        aborted = time.time() + 1
        time.sleep(3)
        assert {each.version for each in load.since(aborted)} == {"v1"}
        assert not any(each.failed for each in load.since(aborted))
        joined.mend()
    lost = [each for each in load.since(cut) if each.failed]
    assert lost
    assert all(each.at < aborted for each in lost)

    said = subprocess.run(
        ["mcci", "network", "verify", "--config", str(joined.folder / "state/network/mcci.yml"), "--output",
         str(joined.folder / "state/network"), "--seconds", "0", "--count", "5"],
        env=joined.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "2 pairs and 0 probes, all well" in said.stdout, said.stdout + said.stderr
