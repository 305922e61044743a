"""A shop with one service that has canaries and one that has none, on local clusters, and `mcci` run in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from mcci.clients.kubernetes import client, kubeconfig
from tests.tools.helm import helm
from tests.tools.lab import lab_clusters

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcci.clients.kubernetes.client import Client
    from tests.tools.helm import Major
    from tests.tools.lab import LabCluster

ROOT = Path(__file__).parents[3]
SERVICES = ("cart", "mailer")
CONFIG = """\
version: 1
application: shop
layout: trunk
registry: {host: "127.0.0.1:9"}
services:
  cart: {}
  mailer: {canary: off}
clusters:
%(clusters)s
environments:
  production: {clusters: [%(names)s]}
canary: {steps: [50, 100], bake: 0s}
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
class Shop:
    """The project's folder, its clusters, and the variables that its jobs have."""

    folder: Path
    clusters: Mapping[str, LabCluster]
    variables: dict[str, str] = field(default_factory=dict)

    def release(self, number: int) -> None:
        """Write release.json: every image is the one of this number."""
        images = [
            {
                "service": each, "image": f"127.0.0.1:9/shop/{each}@sha256:{str(number) * 64}", "content_tag": "",
                "commit": "a" * 40, "source_pipeline": "",
            }
            for each in SERVICES
        ]  # fmt: skip
        document = {"schema": "mcci.release/1", "release": f"r{number}", "services": images}
        (self.folder / "release.json").write_text(json.dumps(document))

    def run(self, *arguments: str, release: int = 0, **variables: str) -> Done:
        """Run `mcci` with these arguments, after writing a release where one is given."""
        if release:
            self.release(release)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("KUBE", "CI", "GITLAB"))}
        done = subprocess.run(
            [sys.executable, "-m", "mcci", *arguments], cwd=self.folder, text=True, capture_output=True, timeout=180,
            env={**kept, "HOME": str(self.folder), **self.variables, **variables},
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return Done(code=done.returncode, out=done.stdout, said=done.stderr)

    def api(self, name: str) -> Client:
        """The administrator's way to a cluster."""
        return client.connect(name, kubeconfig.read(yaml.safe_load(self.clusters[name].kubeconfig()), name))

    def become(self, name: str, text: str) -> None:
        """Reach a cluster with this kubeconfig from now on."""
        self.variables[f"KUBECONFIG_{name.upper().replace('-', '_')}"] = text


@contextmanager
def shop(folder: Path, *names: str, major: Major = "3", state: Path | None = None) -> Iterator[Shop]:
    """Run a shop on clusters of these names; `state` is a folder with the one cluster's state to begin with."""
    clusters = folder / "clusters"
    if state:
        shutil.copytree(state, clusters / names[0])
    with lab_clusters(list(names), folder=clusters) as lab:
        place = folder / "project"
        place.mkdir()
        body = {"clusters": "\n".join(f"  {name}: {{cloud: aws}}" for name in names), "names": ", ".join(names)}
        (place / "mcci.yml").write_text(CONFIG % body)
        for each in SERVICES:
            (place / each).mkdir()
            (place / each / "Dockerfile").write_text("FROM scratch\n")
        found = Shop(folder=place, clusters=lab, variables={"MCCI_HELM": str(helm(major))})
        for name in names:
            found.become(name, str(lab[name].kubeconfig_file))
        yield found
