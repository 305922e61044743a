"""An mcci.yml with a mesh over two local clusters, and `mcci mesh` run on it with a real Helm."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from mcci.lab.clusters.resources import BUILT_IN
from tests.tools.helm import helm, kubectl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.tools.helm import Major
    from tests.tools.lab import LabCluster

CHARTS = Path(__file__).with_name("charts")
NAMESPACE = "istio-system"
BRANCH = "production"


@dataclass(slots=True)
class Project:
    """A project's folder, its clusters, and a folder for the mesh's root of trust."""

    folder: Path
    clusters: Mapping[str, LabCluster]
    more: dict[str, str] = field(default_factory=dict)  # environment variables
    helm: Major = "3"
    said: str = ""  # everything that was ever written to the terminal

    @property
    def root(self) -> Path:
        """Where the mesh's root of trust is kept."""
        return self.folder / "root"

    @property
    def repository(self) -> Path:
        """Where mcci.yml is."""
        return self.folder / "repository"

    def write(self, mesh: Mapping[str, Any] | None = None, clusters: Mapping[str, Any] | None = None) -> None:
        """Write mcci.yml; `mesh` and `clusters` (by name) are more keys."""
        self.repository.mkdir(exist_ok=True)
        given = clusters or {}
        document = {
            "version": 1,
            "application": "shop",
            "services": {"cart": {}, "staff": {"clusters": [list(self.clusters)[-1]]}},
            "clusters": {name: {"eastwest": "203.0.113.7", **given.get(name, {})} for name in self.clusters},
            "environments": {BRANCH: {"clusters": list(self.clusters)}},
            "mesh": {"charts": "istio-charts", **(mesh or {})},
        }
        (self.repository / "mcci.yml").write_text(yaml.safe_dump(document, sort_keys=False))
        link = self.repository / "istio-charts"
        if not link.exists():
            link.symlink_to(CHARTS)

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a job that reaches the clusters as their administrator."""
        found = {f"KUBECONFIG_{name.upper()}": str(each.kubeconfig_file) for name, each in self.clusters.items()}
        path = f"{kubectl().parent}:{os.environ['PATH']}"
        return {
            "PATH": path,
            "HOME": str(self.folder),
            "MCCI_HELM": str(helm(self.helm)),
            "CI": "true",
            **found,
            **self.more,
        }

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of `mcci mesh …`."""
        return [sys.executable, "-m", "mcci", "mesh", *arguments]

    def mcci(self, *arguments: str, code: int = 0) -> str:
        """Run `mcci mesh …` and return what it says; it must end with `code`."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.repository,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=240,
        )
        said = done.stdout + done.stderr
        self.said += said
        assert done.returncode == code, said
        return done.stdout if code == 0 else said

    def install(self, *options: str, code: int = 0) -> str:
        """Install the mesh."""
        return self.mcci("install", "--ca", str(self.root), *options, code=code)

    def json(self, *arguments: str, code: int = 0) -> Any:
        """Run `mcci mesh … --format json` and return the document."""
        text = self.mcci(*arguments, "--format", "json", code=code)
        return json.loads(text[text.index("{") : text.rindex("}") + 1])

    def secrets(self) -> set[str]:
        """Return every secret text in the clusters' Secrets that must never be shown."""
        found = set()
        for cluster in self.clusters.values():
            for body in objects(cluster, "Secret"):
                for text in (body.get("data") or {}).values():
                    plain = base64.b64decode(text).decode(errors="replace")
                    found |= {line.split("token: ")[1] for line in plain.splitlines() if "token: " in line}
                    found |= {line for line in plain.splitlines() if len(line) > 60 and "PRIVATE KEY" in plain}
        return found


def objects(cluster: LabCluster, kind: str, namespace: str = NAMESPACE) -> list[dict[str, Any]]:
    """Return the objects of a kind, as the cluster keeps them."""
    resource = next(each for each in BUILT_IN if each.kind == kind)
    return [each for each in cluster.store.list(resource) if each["metadata"].get("namespace", "") in ("", namespace)]


def named(cluster: LabCluster, kind: str, name: str) -> dict[str, Any]:
    """Return one of them."""
    return next(each for each in objects(cluster, kind) if each["metadata"]["name"] == name)
