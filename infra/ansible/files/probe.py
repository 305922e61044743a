#!/usr/bin/env python3
"""Run on a site's instance by verify.yml: what it knows of itself, and how it reaches the other sites.

Needs Python 3.11 (Debian 12 has it), iproute2, iputils-ping, iperf3 and openssl. Prints one JSON document.
"""

from __future__ import annotations

import ipaddress
import json
import re
import socket
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]

FOLDER = "/etc/openvpn/mcci"
PORT = 5201  # iperf3's own
HEADERS = 28  # bytes of IPv4 and ICMP around a ping's data
LEAST, MOST = 576, 1500  # bytes of a packet


def main() -> None:
    what, asked = sys.argv[1], json.loads(sys.argv[2])
    found = site(asked) if what == "site" else [pair(asked, peer) for peer in asked["peers"]]
    sys.stdout.write(json.dumps(found))


def site(asked: Json) -> Json:
    """The instance's address within the site's ranges, and when its certificates and the list of revoked ones end."""
    return {
        "address": own_address(asked["cidrs"]),
        "certificate": days_left("x509", "site.crt", "-enddate"),
        "authority": days_left("x509", "ca.crt", "-enddate"),
        "revoked": days_left("crl", "crl.pem", "-nextupdate"),
    }


def own_address(cidrs: list[str]) -> str:
    ranges = [ipaddress.ip_network(each) for each in cidrs]
    for device in json.loads(run("ip", "-j", "-4", "address")[1] or "[]"):
        for each in device["addr_info"]:
            address = ipaddress.ip_address(each["local"])
            if not device["ifname"].startswith("vpn") and any(address in net for net in ranges):
                return str(address)
    return ""


def days_left(kind: str, name: str, field: str) -> float | None:
    code, text = run("openssl", kind, "-in", f"{FOLDER}/{name}", "-noout", field)
    if code:
        return None
    end = datetime.strptime(text.strip().partition("=")[2], "%b %d %H:%M:%S %Y %Z").replace(tzinfo=UTC)
    return round((end - datetime.now(UTC)).total_seconds() / 86400, 1)


def pair(asked: Json, peer: Json) -> Json:
    """How this site reaches one other."""
    known = asked["sites"].get(peer["name"])  # Ansible hands JSON on as text, or read
    known = json.loads(known) if isinstance(known, str) else known
    address = known["address"] if known else ""
    source = asked["source"]
    found = {"peer": peer["name"], "address": address, "routes": [route(asked, peer, each) for each in peer["cidrs"]]}
    found["probes"] = {each: probe(source, each) for each in asked["probes"].get(peer["name"], [])}
    if not address or not source:
        return found
    found.update(ping(source, address, asked["count"]))
    if found["loss"] < 100:
        found["mtu"] = mtu(source, address)
        if int(asked["seconds"]):
            found["mbits"] = throughput(source, address, asked["seconds"])
    return found


def route(asked: Json, peer: Json, cidr: str) -> Json:
    """Which device packets to a range leave by, and which site they come to first."""
    target = str(ipaddress.ip_network(cidr)[1])
    code, text = run("ip", "-j", "route", "get", target)
    device = json.loads(text)[0]["dev"] if not code else ""
    sites = asked["devices"].get(device, "").split()
    return {"to": cidr, "device": device, "via": peer["name"] if peer["name"] in sites else " ".join(sites)}


def ping(source: str, address: str, count: int) -> Json:
    _, text = run("ping", "-q", "-c", str(int(count)), "-i", "0.05", "-W", "1", "-I", source, address)
    loss = re.search(r"([\d.]+)% packet loss", text)
    times = re.search(r"= ([\d.]+)/([\d.]+)/([\d.]+)/", text)
    return {"loss": float(loss[1]) if loss else 100.0, "rtt": float(times[2]) if times else None}


def mtu(source: str, address: str) -> int:
    """The largest packet that comes through whole."""
    low, high = LEAST, MOST
    while low < high:
        middle = (low + high + 1) // 2
        code, _ = run(
            "ping", "-q", "-c", "1", "-W", "1", "-M", "do", "-s", str(middle - HEADERS), "-I", source, address
        )
        low, high = (middle, high) if code == 0 else (low, middle - 1)
    return low


def throughput(source: str, address: str, seconds: int) -> float | None:
    code, text = run(
        "iperf3",
        "-J",
        "-c",
        address,
        "-B",
        source,
        "-p",
        str(PORT),
        "-t",
        str(int(seconds)),
        "--connect-timeout",
        "3000",
    )
    if code:
        return None
    bits = float(json.loads(text)["end"]["sum_received"]["bits_per_second"])
    return round(bits / 1e6, 1)


def probe(source: str, target: str) -> bool:
    """Whether a host behind the other site answers: a ping, or a connection where there is a port."""
    host, _, port = target.partition(":")
    if not port:
        return ping(source, host, 3)["loss"] < 100 if source else False
    try:
        socket.create_connection((host, int(port)), timeout=3, source_address=(source, 0)).close()
    except OSError:
        return False
    return True


def run(*arguments: str) -> tuple[int, str]:
    try:
        done = subprocess.run(
            arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=90, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return 1, ""
    return done.returncode, done.stdout


if __name__ == "__main__":
    main()
