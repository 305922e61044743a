"""A project with an mcci.yml, a home of its own, and `mcci` run in it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from unittest import mock

import yaml

from mcci.__main__ import run
from mcci.clients.kubernetes import client, kubeconfig
from mcci.clients.kubernetes.api import CONFIG_MAP
from mcci.errors import ExitCode

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
        """Run `mcci` to its end, in this process: a process of its own costs more than what it does."""
        out, said = io.StringIO(), io.StringIO()
        with (
            mock.patch.dict(os.environ, {**self.environment, **variables}, clear=True),
            chdir(self.folder), redirect_stdout(out), redirect_stderr(said),
        ):  # fmt: skip
            code = run(list(arguments))
        assert code != ExitCode.BUG, said.getvalue()
        return Done(code=code, out=out.getvalue(), said=said.getvalue())


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


def made_by_kubeadm(cluster: LabCluster, pods: str, services: str) -> None:
    """Have a cluster say its ranges, as one that kubeadm has made."""
    text = yaml.safe_dump({"networking": {"podSubnet": pods, "serviceSubnet": services}})
    with api(cluster) as found:
        place = {"name": "kubeadm-config", "namespace": "kube-system"}
        found.apply(CONFIG_MAP, {"metadata": place, "data": {"ClusterConfiguration": text}})
