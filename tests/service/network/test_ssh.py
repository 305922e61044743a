"""Ansible over ssh, as on real instances: an sshd in each site, asked from a machine of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from mcci.config.load import load
from tests.service.network.world import World, address, join, until

if TYPE_CHECKING:
    from tests.service.network.project import Project

pytestmark = [pytest.mark.faults, pytest.mark.slow]
SITES = ("aws", "azure")


def test_sites_are_set_up_over_ssh(project: Project) -> None:
    """`apply` over ssh notes the hosts' keys and joins the sites; when a key has changed nothing is touched."""
    if not shutil.which("sshd", path="/usr/sbin:/usr/bin"):
        pytest.skip("openssh-server is not installed")
    world = project.world
    project.write(sites=SITES, **dict.fromkeys(SITES, "user: root"))
    assert load((project.folder / "mcci.yml").read_bytes()).network.sites["aws"].user == "root"
    key = project.folder / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    for name in SITES:
        _serve(world, name, project)
    project.mcci("render")
    inventory = project.folder / "network/ansible/inventory/key.yml"
    options = f"    ansible_ssh_private_key_file: {key}\n    ansible_python_interpreter: {sys.executable}\n"
    inventory.write_text(f"all:\n  vars:\n{options}")

    def mcci(*arguments: str, code: int = 0) -> str:
        # nothing but the network is the other machine's: the files are here
        enter = ["nsenter", "-t", str(admin.pid), "--net"]
        command = [*enter, sys.executable, "-m", "mcci", "network", *arguments]
        done = subprocess.run(command, cwd=project.folder, capture_output=True, text=True, timeout=590)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    with join(world, 250) as admin:
        mcci("apply", "--dry-run")
        assert world.gateways["azure"].sh("ls -d /etc/openvpn/mcci 2>/dev/null || true") == ""
        mcci("apply")
        until(lambda: world.reaches("aws", "azure") and world.reaches("azure", "aws"))
        before = world.gateways["aws"].sh("find /etc/openvpn -newer /etc/openvpn/mcci/unit | sort")
        _serve(world, "azure", project, again=True)
        assert "known_hosts" in mcci("apply", "--renew", "aws", code=1)
        assert world.gateways["aws"].sh("find /etc/openvpn -newer /etc/openvpn/mcci/unit | sort") == before


def _serve(world: World, name: str, project: Project, *, again: bool = False) -> None:
    """Start an sshd with a new host key in a site."""
    place = world.gateways[name]
    if again:
        place.sh("kill $(pgrep sshd); rm -rf /run/ssh")  # sessions that are kept open, too
    place.sh("mkdir -p /run/sshd /run/ssh && ssh-keygen -q -t ed25519 -N '' -f /run/ssh/host")
    place.sh(f"mkdir -p -m 700 /run/keys && cp {project.folder}/id.pub /run/keys/root && chmod 600 /run/keys/root")
    options = (
        "HostKey=/run/ssh/host",
        "AuthorizedKeysFile=/run/keys/%u",
        "PidFile=/run/sshd.pid",
        "UsePAM=no",
        "StrictModes=no",
    )
    listen = f"ListenAddress={address(list(world.gateways).index(name) + 1)}"
    more = [word for option in (*options, listen, "PermitRootLogin=prohibit-password") for word in ("-o", option)]
    until(lambda: subprocess.run(place.enter("/usr/sbin/sshd", "-f", "/dev/null", *more)).returncode == 0)
