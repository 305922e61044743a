"""A project with one service and local clusters of its own, and `mcci canary` run on it."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml

from mcci.__main__ import run
from mcci.canary import state as states
from mcci.canary import state_json, traffic
from mcci.canary.clusters import survey
from mcci.canary.facts import pods
from mcci.canary.state import Actor, State
from mcci.clients.kubernetes import client, kubeconfig
from mcci.clients.kubernetes.api import CONFIG_MAP, DEPLOYMENT, NAMESPACE, POD, VIRTUAL_SERVICE, ClusterApi
from tests.tools.lab import LabCluster, lab_clusters
from tests.unit.canary.objects import V1, V2, virtual_service
from tests.unit.canary.world import SERVICE, SPACE

CONFIG = """\
version: 1
application: vehicles
layout: trunk
services:
  staff-service: {}
clusters:
%(clusters)s
environments:
  production: {clusters: [%(names)s]}
mesh: {topology: %(topology)s}
canary: {steps: [10, 25, 50, 100], bake: 0s}
"""
ACTOR = Actor(who="anna", pipeline=1)


@dataclass(slots=True, kw_only=True)
class Project:
    """A folder with mcci.yml, and the clusters that it names."""

    folder: Path
    clusters: dict[str, LabCluster]
    config: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    _apis: dict[str, client.Client] = field(default_factory=dict)

    def close(self) -> None:
        """Close the administrator's connections."""
        for each in self._apis.values():
            each.close()

    def connect(self, name: str, deadline: float = 60.0) -> client.Client:
        """A new way to a cluster, for an administrator; close it."""
        document = yaml.safe_load(self.clusters[name].kubeconfig())
        return client.connect(name, kubeconfig.read(document, name), deadline=deadline)

    def api(self, name: str) -> ClusterApi:
        """An administrator's way to a cluster."""
        if name not in self._apis:
            self._apis[name] = self.connect(name)
        return self._apis[name]

    def deploy(self, *, canary_on: tuple[str, ...] = (), replicas: int = 2) -> None:
        """What a production deployment leaves; the canary's pods run in `canary_on` (default: everywhere)."""
        now = datetime.now(UTC) - timedelta(hours=1)
        first = states.first(SERVICE, V1, "r1", ACTOR, now)
        state = states.begun(first, V2, (10, 25, 50, 100), "r2", ACTOR, now, replicas=replicas)
        for name in self.clusters:
            self.api(name).create(NAMESPACE, {"metadata": {"name": SPACE}})
            self.api(name).create(DEPLOYMENT, deployment(V1, replicas))
            if not canary_on or name in canary_on:
                self.api(name).create(DEPLOYMENT, deployment(V2, replicas))
        for name in self.config:
            self.api(name).create(VIRTUAL_SERVICE, virtual_service({V1: 100, V2: 0}, testers=V2))
            self.api(name).create(CONFIG_MAP, state_json.config_map(state, SPACE, 0, self.config[0]))
        for name in self.clusters:
            self.wait(name)

    def wait(self, name: str) -> None:
        """Wait until every pod that is wanted is ready, and no other is left."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            wanted = sum(each["spec"]["replicas"] for each in self.api(name).list(DEPLOYMENT, SPACE))
            found = pods(self.api(name).list(POD, SPACE))
            if sum(pod.ready for pod in found) == wanted == len(found):
                return
            time.sleep(0.02)
        raise AssertionError(f"the pods of {name} did not become ready")

    def weights(self, name: str) -> dict[str, int]:
        """The weights in a cluster; `traffic` refuses those that do not sum to 100."""
        found = survey.find(self.api(name), SERVICE, SPACE)
        assert found
        return traffic.weights(found, SERVICE)

    def share(self) -> list[int]:
        """The canary's weight in each config cluster."""
        return [self.weights(name)[V2] for name in self.config]

    def state(self, name: str = "") -> State:
        """The state in a cluster; by default the newest."""
        copies = [
            state_json.read(found)
            for each in ([name] if name else self.config)
            if (found := self.api(each).get(CONFIG_MAP, states.name_of(SERVICE), SPACE))
        ]
        return max(copies, key=lambda state: state.revision)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start `mcci canary …` as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "mcci", "canary", *arguments],
            cwd=self.folder,
            env={**os.environ, **self.environment, **environment},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, *arguments: str, **environment: str) -> tuple[int, str]:
        """Run `mcci canary …` in this process, and return its exit code and what it said."""
        said = io.StringIO()
        with (
            patch.dict(os.environ, {**self.environment, **environment}),
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(said),
        ):
            code = run(["canary", *arguments])
        return code, said.getvalue()


@contextmanager
def project(
    folder: Path, names: tuple[str, ...], *, topology: str = "multi-primary", more: str = ""
) -> Iterator[Project]:
    """A project with clusters of these names, that are stopped at the end."""
    with ExitStack() as stack:
        clusters = stack.enter_context(lab_clusters(list(names), folder=folder / "clusters"))
        place = folder / "project"
        place.mkdir()
        body = {
            "clusters": "\n".join(f"  {name}: {{cloud: aws}}" for name in names),
            "names": ", ".join(names),
            "topology": topology,
        }
        (place / "mcci.yml").write_text(CONFIG % body + more, encoding="utf-8")
        environment = {
            f"KUBECONFIG_{name.upper().replace('-', '_')}": str(clusters[name].kubeconfig_file) for name in names
        }
        config = names if topology == "multi-primary" else names[:1]
        found = Project(folder=place, clusters=clusters, config=config, environment=environment)
        stack.callback(found.close)
        yield found


def deployment(version: str, replicas: int) -> dict[str, Any]:
    """A version's Deployment, as the chart `microservice` makes it."""
    labels = {"app": SERVICE, "version": version}
    return {
        "metadata": {"name": f"{SERVICE}-{version}", "namespace": SPACE, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": SERVICE, "image": f"vehicles/{SERVICE}@sha256:{'0' * 64}"}]},
            },
        },
    }
