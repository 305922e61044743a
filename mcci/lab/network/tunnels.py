"""The tunnels between the sites' machines: what `mcci network render` writes and `mcci network apply` runs.

Ansible enters the machines in place of ssh; all else is as between clouds.
"""

from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING

from mcci.clients import files
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

MACHINES = "ansible/inventory/machines.yml"


def make(joined: Joined, machines: Mapping[str, Machine], folder: Path, say: Callable[[str], None]) -> None:
    """Join the sites by tunnels; the code, and the mcci.yml that it is made of, are in `folder`. Raises `McciError`."""
    text = joined.text()
    made = render.render(plan(load(text.encode()).network), shipped.packaged(), "")
    files.replace_all({folder / path: body for path, body in made.items()} | {folder / CONFIG: text})
    finish(folder, ())
    enter_machines({each.name: machines[each.name] for each in joined.sites}, folder)
    done = playbook.play(folder, "site.yml", {}, say)
    if done.failures:
        why = "; ".join(f"{site}: {reason}" for site, reason in done.failures.items())
        raise ServiceFailed(f"the lab's network could not be set up: {why}")


def enter_machines(machines: Mapping[str, Machine], folder: Path) -> None:
    """Have the playbook of a rendered folder enter sites' machines, by a shell for each, in place of ssh."""
    inventory = {}
    for name, machine in machines.items():
        shell = folder / f"shell-{name}"
        # Ansible's shell module takes this for the shell in the machine, too
        inside = shlex.join(machine.enter("/bin/sh"))
        files.replace_all({shell: f'#!/bin/sh\ntest -z "$INSIDE" || exec /bin/sh "$@"\nINSIDE=1 exec {inside} "$@"\n'})
        shell.chmod(0o700)
        inventory[name] = {
            "ansible_connection": "local", "ansible_shell_executable": str(shell.absolute()), "ansible_become": False,
            "ansible_python_interpreter": sys.executable,
        }  # fmt: skip
    files.replace_all({folder / MACHINES: json.dumps({"all": {"hosts": inventory}})})  # JSON is YAML
