"""The tunnels between the sites' machines: what `mcci network render` writes and `mcci network apply` runs.

Ansible enters the machines in place of ssh; all else is as between clouds.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from mcci.clients import files
from mcci.clients.namespaces import enter
from mcci.config.load import load
from mcci.errors import ServiceFailed
from mcci.lab.network.model import CONFIG
from mcci.network import playbook, render, shipped
from mcci.network.folders import finish
from mcci.network.plan import plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mcci.clients.namespaces import Machine
    from mcci.lab.network.model import Joined


def make(joined: Joined, machines: Mapping[str, Machine], folder: Path, say: Callable[[str], None]) -> None:
    """Join the sites by tunnels; the code, and the mcci.yml that it is made of, are in `folder`. Raises `McciError`."""
    text = joined.text()
    made = render.render(plan(load(text.encode()).network), shipped.packaged(), "")
    wanted = {folder / path: body for path, body in made.items()} | {folder / CONFIG: text}
    shells = {each.name: folder / f"shell-{each.name}" for each in joined.sites}
    wanted |= {shells[name]: _shell(name, machines[name]) for name in shells}
    wanted[folder / "ansible/inventory/machines.yml"] = _inventory(shells)
    files.replace_all(wanted)
    finish(folder, ())
    for shell in shells.values():
        shell.chmod(0o700)
    done = playbook.play(folder, "site.yml", {}, say)
    if done.failures:
        why = "; ".join(f"{site}: {reason}" for site, reason in done.failures.items())
        raise ServiceFailed(f"the lab's network could not be set up: {why}")


def _shell(name: str, machine: Machine) -> str:
    """Return a shell that is a shell in the machine. Ansible's shell module takes it for the one in there, too."""
    inside = " ".join(enter(machine.pid))
    return f'#!/bin/sh\ntest -z "$PLACE" || exec /bin/sh "$@"\nPLACE={name} exec {inside} /bin/sh "$@"\n'


def _inventory(shells: Mapping[str, Path]) -> str:
    lines = ["all:", "  hosts:"]
    for name, shell in shells.items():
        lines += [
            f"    {name}:", "      ansible_connection: local", f"      ansible_shell_executable: {shell}",
            "      ansible_become: false", f"      ansible_python_interpreter: {sys.executable}",
        ]  # fmt: skip
    return "\n".join(lines) + "\n"
