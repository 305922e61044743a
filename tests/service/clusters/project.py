"""A project with an mcci.yml, a home of its own, and `mcci` run in it."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import yaml

from mcci.clients.kubernetes import client, kubeconfig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mcci.clients.kubernetes.client import Client
    from tests.tools.lab import LabCluster

HEAD = """\
version: 1
application: shop
services: {cart: {}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How a command ended, and what it printed."""

    code: int
    out: str
    said: str

    def __str__(self) -> str:
        return f"exit code {self.code}\n{self.out}\n{self.said}"


@dataclass(slots=True, kw_only=True)
class Project:
    """The project's folder, the person's home, and the variables that `mcci` is given."""

    folder: Path
    home: Path
    variables: dict[str, str] = field(default_factory=dict)

    def configure(self, text: str) -> None:
        """Write mcci.yml: `text` after the beginning that all have."""
        (self.folder / "mcci.yml").write_text(HEAD + text)

    def become(self, name: str, value: str) -> None:
        """Reach a cluster with this kubeconfig from now on."""
        self.variables[f"KUBECONFIG_{name.upper().replace('-', '_')}"] = value

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a process that is run here."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("KUBE", "CI", "GITLAB"))}
        return {**kept, "HOME": str(self.home), **self.variables}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `mcci`."""
        return subprocess.Popen(
            [sys.executable, "-m", "mcci", *arguments], cwd=self.folder, text=True, env=self.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *arguments: str, **variables: str) -> Done:
        """Run `mcci` to its end."""
        self.variables, before = {**self.variables, **variables}, self.variables
        with self.start(*arguments) as process:
            self.variables = before
            try:
                out, said = process.communicate(timeout=120)
            finally:
                process.kill()
        assert "Traceback" not in said, said
        return Done(code=process.returncode, out=out, said=said)


@contextmanager
def api(cluster: LabCluster) -> Iterator[Client]:
    """The administrator's way to a cluster."""
    found = client.connect(cluster.name, kubeconfig.read(yaml.safe_load(cluster.kubeconfig()), cluster.name))
    try:
        yield found
    finally:
        found.close()


def project(folder: Path, text: str) -> Project:
    """Make a project with this mcci.yml (without its beginning) in a folder."""
    (folder / "project").mkdir()
    (folder / "home").mkdir()
    found = Project(folder=folder / "project", home=folder / "home")
    found.configure(text)
    return found
