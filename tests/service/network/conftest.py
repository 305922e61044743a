"""Three sites in namespaces of this machine, set up by `mcci network apply`."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.service.network.project import SITES, Project
from tests.service.network.world import world

if TYPE_CHECKING:
    from collections.abc import Iterator

# no registry that CI reaches has Terraform: where it is not there, there is nothing to install, and nothing to skip
collect_ignore = [] if shutil.which("terraform") else ["test_terraform_runs.py"]
NEEDED = ("openvpn", "bird", "nft", "ip", "ping", "iperf3", "nsenter", "unshare", "setpriv", "start-stop-daemon")


def ready() -> None:
    """Skip where sites cannot run."""
    missing = [name for name in NEEDED if not shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")]
    if os.geteuid() or missing or not Path("/dev/net/tun").exists():
        pytest.skip(f"namespaces with tunnels need root, /dev/net/tun and {', '.join(missing or NEEDED)}")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project and its world; nothing is set up yet."""
    ready()
    folder = tmp_path_factory.mktemp("network")
    with world(SITES, folder) as found:
        yield Project(folder, found)
