"""The VPN, measured in network namespaces: real OpenVPN, bird, nftables and Ansible; as root.

`python bench/network.py [--json] [--sites 2,3,5,8] [setup] [faults] [throughput]`
(setup) `mcci network apply` on bare sites, and again, by number of sites: seconds, and seconds of processor time, which
    other work on the machine changes little.
(faults) the outage between two private hosts when a tunnel is closed, when it is killed, when it silently loses what
    is sent one way, and when the whole path between two sites is cut, in both modes; pings lost, and seconds without an
    answer. Promised: full mesh, a tunnel closed or killed: nothing is lost. Resilient, the path cut: less than 5 s.
(throughput) iperf3 through a tunnel beside the bare link, the median of three each; Mbit/s.
Sites share this machine: set-up times and throughput are those of its processors, not of a network. `load` is the
machine's load before each area: with other work on it, what it says is of that work.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.service.network.project import Project  # noqa: E402 - found on the path added above
from tests.service.network.world import World, address, until, world  # noqa: E402

AREAS = ("setup", "faults", "throughput")
OUTAGE = 5.0  # seconds
Figures = dict[str, object]


def setup(counts: list[int]) -> Figures:
    """Seconds of the first and of the second `apply`, by number of sites."""
    found: Figures = {}
    for count in counts:
        names = [f"s{number}" for number in range(1, count + 1)]
        with tempfile.TemporaryDirectory() as folder, world(names, Path(folder)) as made:
            project = Project(Path(folder), made)
            project.write(sites=names)
            first = _timed(project)
            until(lambda made=made: all(made.reachable().values()), 60)  # type: ignore[misc]
            found[str(count)] = {"first": first, "second": _timed(project)}
    return found


def faults() -> Figures:
    """The outage of each fault, by mode."""
    found: Figures = {}
    names = ["aws", "azure", "gcp"]
    for mode, unit in (("full-mesh", "client"), ("resilient", "server")):
        with tempfile.TemporaryDirectory() as folder, world(names, Path(folder)) as made:
            project = Project(Path(folder), made)
            project.write(mode)
            project.apply()
            until(lambda made=made: all(made.reachable().values()))  # type: ignore[misc]
            found[mode] = {
                "closed": _lost(made, unit, "TERM"), "killed": _lost(made, unit, "KILL"),
                "silent": _muted(made, mode), "path cut": _cut(made),
            }  # fmt: skip
    return found


def throughput() -> Figures:
    """Mbit/s between two instances: over the bare link, and through the tunnel."""
    names = ["aws", "azure"]
    with tempfile.TemporaryDirectory() as folder, world(names, Path(folder)) as made:
        project = Project(Path(folder), made)
        project.write(sites=names)
        project.apply()
        until(lambda: all(made.reachable().values()))
        made.gateways["azure"].sh("nft add rule inet mcci input tcp dport 5202 accept")
        made.gateways["azure"].sh("iperf3 -s -D -p 5202")
        runs = [(_iperf(made, address(2)), _iperf(made, "10.2.0.1")) for _ in range(3)]
        link, tunnel = (median(each) for each in zip(*runs, strict=True))
        return {"link": link, "tunnel": tunnel, "ratio": round(tunnel / link, 3)}


def _timed(project: Project) -> Figures:
    began, used = time.monotonic(), _used()
    project.apply()
    return {"seconds": round(time.monotonic() - began, 1), "processor": round(_used() - used, 1)}


def _used() -> float:
    """Return the seconds that processors have worked for processes that were waited for."""
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found.ru_utime + found.ru_stime


def _lost(made: World, unit: str, signal: str) -> Figures:
    aws = made.gateways["aws"]
    with made.pinging("aws", "azure") as outages:
        time.sleep(1)
        aws.sh(f"kill -{signal} $(cat /run/mcci-vpn/{unit}-mcci-azure.pid)")
        time.sleep(8)
    aws.sh(f"/etc/openvpn/mcci/unit {unit} mcci-azure")
    until(lambda: "vpn2" in aws.sh("ip route get 10.2.0.10") and made.reaches("aws", "azure"), 60)
    return {"lost": outages[0].lost, "seconds": outages[0].seconds}


def _muted(made: World, mode: str) -> Figures:
    # of the tunnel that is used from aws to azure, what its client sends
    sender, receiver, port = ("aws", "azure", 1194) if mode == "full-mesh" else ("azure", "aws", 1196)
    with made.pinging("aws", "azure") as outages:
        time.sleep(1)
        made.mute(sender, receiver, port)
        time.sleep(20)
    made.mend()
    until(lambda: "vpn2" in made.gateways["aws"].sh("ip route get 10.2.0.10") and made.reaches("aws", "azure"), 60)
    return {"lost": outages[0].lost, "seconds": outages[0].seconds}


def _cut(made: World) -> Figures:
    with made.pinging("aws", "azure") as outages:
        time.sleep(1)
        made.cut("aws", "azure")
        time.sleep(12)
    made.mend()
    return {"lost": outages[0].lost, "seconds": outages[0].seconds}


def _iperf(made: World, target: str) -> float:
    text = made.gateways["aws"].run("iperf3", "-J", "-c", target, "-p", "5202", "-t", "3")
    bits = float(json.loads(text)["end"]["sum_received"]["bits_per_second"])
    return round(bits / 1e6, 1)


def main() -> int:
    """Measure what was asked for, print it, and end with 1 where a promise is broken."""
    parser = argparse.ArgumentParser()
    parser.add_argument("areas", nargs="*", default=[], metavar="AREA")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--sites", default="2,3,5,8")
    asked = parser.parse_args()
    areas = asked.areas or AREAS
    found: dict[str, Figures] = {}
    counts = [int(each) for each in asked.sites.split(",")]
    measures = {"setup": lambda: setup(counts), "faults": faults, "throughput": throughput}
    for area in (each for each in AREAS if each in areas):
        load = round(os.getloadavg()[0], 1)
        found[area] = {**measures[area](), "load": load}
    print(json.dumps(found, indent=2) if asked.json else _text(found))
    return 0 if _kept(found.get("faults", {})) else 1


def _kept(found: Figures) -> bool:
    if not found:
        return True
    mesh, resilient = found["full-mesh"], found["resilient"]
    assert isinstance(mesh, dict)
    assert isinstance(resilient, dict)
    return not mesh["closed"]["lost"] and not mesh["killed"]["lost"] and resilient["path cut"]["seconds"] < OUTAGE


def _text(found: dict[str, Figures]) -> str:
    lines = [f"{area:12} {name:12} {figure}" for area, figures in found.items() for name, figure in figures.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
