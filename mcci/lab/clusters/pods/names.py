"""Names in pods: the files by which a container finds its cluster's Services; the lab has no DNS server.

A mesh writes them as Services come and go; without one they know the machine itself alone.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mcci.lab.clusters.pods.model import Mount

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

OWN = "127.0.0.1 localhost\n"
SWITCH = "passwd: files\ngroup: files\nhosts: files dns\n"


def mounts(folder: Path, namespace: str) -> tuple[Mount, ...]:
    """Return the files of a namespace as mounts, made where they are not; `folder` is the node's."""
    hosts, switch = folder / "names" / f"{namespace}.hosts", folder / "names" / "nsswitch.conf"
    if not hosts.exists() or not switch.exists():
        hosts.parent.mkdir(parents=True, exist_ok=True)
        switch.write_text(SWITCH)
        hosts.touch()
        _rewrite(hosts, OWN)
    return (
        Mount(source=hosts, target="/etc/hosts", read_only=True),
        Mount(source=switch, target="/etc/nsswitch.conf", read_only=True),
    )


def write(folder: Path, services: Iterable[tuple[str, str, str]], domain: str = "cluster.local") -> None:
    """Write every namespace's names: `services` are each a namespace, a name and an address."""
    known = list(services)
    for file in sorted((folder / "names").glob("*.hosts")):
        namespace = file.name.removesuffix(".hosts")
        lines = [OWN]
        for space, name, address in sorted(known):
            short = f" {name}" if space == namespace else ""
            lines.append(f"{address} {name}.{space}.svc.{domain} {name}.{space}.svc {name}.{space}{short}\n")
        if (text := "".join(lines)) != file.read_text():
            _rewrite(file, text)


def _rewrite(file: Path, text: str) -> None:
    """Write a file in place: a mounted file that is replaced stays the old one in its containers."""
    data = text.encode()
    descriptor = os.open(file, os.O_WRONLY)
    try:
        os.pwrite(descriptor, data, 0)
        os.ftruncate(descriptor, len(data))
    finally:
        os.close(descriptor)
