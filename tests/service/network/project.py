"""An mcci.yml with a network, and `mcci network` run on it against instances in namespaces."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.service.network.world import World, address, host_address, quick

if TYPE_CHECKING:
    from collections.abc import Sequence

SITES = ("aws", "azure", "gcp")


@dataclass(slots=True)
class Project:
    """The project's folder, and the world that its sites are in."""

    folder: Path
    world: World
    verbose: bool = False  # have Ansible say all it can
    said: list[str] = field(default_factory=list)

    def write(self, mode: str = "full-mesh", sites: Sequence[str] = SITES, **more: str) -> None:
        """Write mcci.yml; `more` are further keys of a site."""
        lines = ["version: 1", "application: shop", "services: {cart: {}}", f"network: {{mode: {mode}, sites: {{"]
        for number, name in enumerate(self.world.gateways, 1):
            role = ", role: ca" if number == 1 else ""
            keys = f"address: {address(number)}, subnets: [10.{number}.0.0/16], probes: [{host_address(number)}]{role}"
            if name in sites:
                lines.append(f"  {name}: {{{keys}, number: {number}{', ' + more[name] if name in more else ''}}},")
        (self.folder / "mcci.yml").write_text("\n".join([*lines, "}}"]) + "\n")

    def mcci(self, *arguments: str, code: int | None = 0) -> str:
        """Run `mcci network …` and return what it says; its exit code must be `code`."""
        command = [sys.executable, "-m", "mcci", "network", *arguments]
        environment = {**os.environ, "ANSIBLE_VERBOSITY": "3"} if self.verbose else None
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=550, env=environment)
        self.said.append(done.stdout + done.stderr)
        assert code is None or done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def apply(self, *options: str, code: int | None = 0) -> str:
        """Render and apply."""
        self.mcci("render")
        quick(self.world, self.folder / "network")
        return self.mcci("apply", *options, code=code)
