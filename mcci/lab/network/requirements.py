"""What this machine must have to run sites of the VPN: said before anything is started."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mcci.clients import namespaces
from mcci.errors import UsageError
from mcci.lab.network.model import joined

if TYPE_CHECKING:
    from mcci.lab.plan import Plan

# program: Debian's package
PROGRAMS = {
    **dict.fromkeys(namespaces.NEEDED, "util-linux"), "ip": "iproute2", "openvpn": "openvpn", "bird": "bird2",
    "/usr/share/easy-rsa/easyrsa": "easy-rsa", "openssl": "openssl", "nft": "nftables", "sysctl": "procps",
    "ping": "iputils-ping", "iperf3": "iperf3", "start-stop-daemon": "dpkg",
}  # fmt: skip
TUNNELS = Path("/dev/net/tun")


def check(plan: Plan) -> None:
    """Raise `UsageError`, with all that is missing, where no clusters can be joined, or sites cannot run here."""
    if not plan.routed or not joined(plan).sites:
        raise UsageError("--network joins clusters of one environment whose pods are real, and here there are no two.")
    problems = []
    if os.geteuid():
        problems.append("root, for network namespaces")
    if not TUNNELS.exists():
        problems.append(f"{TUNNELS} (modprobe tun)")
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    if packages := sorted({package for name, package in PROGRAMS.items() if not shutil.which(name, path=path)}):
        problems.append(f"Debian's {', '.join(packages)} (apt-get install {' '.join(packages)})")
    if not shutil.which("ansible-playbook", path=f"{Path(sys.executable).parent}:{path}"):
        problems.append("Ansible (pip install 'mcci[network]')")
    if problems:
        raise UsageError(f"a lab with --network runs OpenVPN on this machine, and needs {'; '.join(problems)}.")
