"""A project that is deployed to the lab's clusters by `mcci` itself, in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcci.clients.kubernetes import kubeconfig
from mcci.clients.kubernetes.api import CONFIG_MAP, DEPLOYMENT, SECRET, VIRTUAL_SERVICE, Object
from mcci.clients.kubernetes.client import Client, connect
from tests.tools.helm import Major, helm
from tests.tools.lab import LabCluster

DEADLINE = 120.0  # seconds for one command, on a machine that is busy
CONFIG = """
version: 1
application: fleet
registry: {{host: registry.example.com}}
services:
  web: {{}}
  api: {{canary: off}}
defaults:
  values: {{microservice: {{replicas: 1, rollout: {{minReadySeconds: 0}}, podSecurityContext: null}}}}
environments:
  stage: {{clusters: [stage], namespace: {namespace}-stage}}
  production: {{waves: [[one], [two]], namespace: {namespace}}}
clusters: {{stage: {{}}, one: {{}}, two: {{}}}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str


@dataclass(slots=True)
class Project:
    """`mcci.yml` in a folder, and the clusters it is deployed to; every test has a namespace of its own."""

    root: Path
    clusters: dict[str, LabCluster]
    namespace: str
    major: Major = "3"
    variables: dict[str, str] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.root / "mcci.yml").write_text(CONFIG.format(namespace=self.namespace))

    @property
    def environment(self) -> dict[str, str]:
        """What the command finds in its environment."""
        found = {key: value for key, value in os.environ.items() if not key.startswith(("CI_", "HELM_", "KUBECONFIG"))}
        own = {f"KUBECONFIG_{name.upper()}": str(each.kubeconfig_file) for name, each in self.clusters.items()}
        return {**found, **own, "MCCI_HELM": str(helm(self.major)), **self.variables}

    def release(self, digit: str, **digits: str) -> None:
        """Write release.json: every service's digest is one digit repeated."""
        services = [
            {
                "service": name,
                "image": f"registry.example.com/fleet/{name}@sha256:{digits.get(name, digit) * 64}",
                "content_tag": "",
                "commit": digit * 40,
                "source_pipeline": "",
            }
            for name in ("web", "api")
        ]
        body = {"schema": "mcci.release/1", "release": digit * 40, "services": services}
        (self.root / "release.json").write_text(json.dumps(body))

    def run(self, *arguments: str) -> Ran:
        """Run `mcci` to its end."""
        process = self.start(*arguments)
        try:
            out, err = process.communicate(timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return Ran(code=process.returncode, out=out, err=err)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Begin a run of `mcci`, in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "mcci", *arguments], cwd=self.root, env=self.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    def deploy(self, *arguments: str, environment: str = "stage", timeout: int = 60) -> Ran:
        """Run `mcci deploy`."""
        return self.run("deploy", "--environment", environment, "--timeout", str(timeout), *arguments)

    def api(self, cluster: str) -> Client:
        """The administrator's client."""
        if cluster not in self.clients:
            text = self.clusters[cluster].kubeconfig()
            document = kubeconfig.select(kubeconfig.parse(text, "test"), "", "test", self.root)
            self.clients[cluster] = connect(cluster, kubeconfig.read(document, "test"))
        return self.clients[cluster]

    def close(self) -> None:
        """Close the clients."""
        for each in self.clients.values():
            each.close()

    def space(self, cluster: str) -> str:
        """The namespace on a cluster."""
        return f"{self.namespace}-stage" if cluster == "stage" else self.namespace

    def images(self, cluster: str) -> dict[str, str]:
        """The last digit of each Deployment's digest, by its name."""
        return {
            each["metadata"]["name"]: each["spec"]["template"]["spec"]["containers"][0]["image"][-1]
            for each in self.api(cluster).list(DEPLOYMENT, self.space(cluster))
        }

    def weights(self, cluster: str, service: str = "web") -> dict[str, int]:
        """The live weights of a service."""
        found = self.api(cluster).get(VIRTUAL_SERVICE, service, self.space(cluster))
        routes = found["spec"]["http"] if found else []
        split = [each for each in routes if "testers" not in str(each.get("name"))]
        return {
            each["destination"].get("subset", ""): each.get("weight", 0) for route in split for each in route["route"]
        }

    def move(self, cluster: str, weights: dict[str, int]) -> None:
        """Move live traffic of `web` as `mcci canary` writes it: server-side, as its own field manager."""
        api = self.api(cluster)
        found = api.get(VIRTUAL_SERVICE, "web", self.space(cluster))
        assert found
        for route in found["spec"]["http"]:
            if "testers" not in str(route.get("name")):
                for each in route["route"]:
                    each["weight"] = weights[each["destination"]["subset"]]
        api.replace(VIRTUAL_SERVICE, found)

    def record(self, cluster: str) -> Any:
        """The environment's record; None where there is none."""
        found = self.api(cluster).get(CONFIG_MAP, "mcci-environment", self.space(cluster))
        return json.loads(found["data"]["record"]) if found else None

    def releases(self, cluster: str) -> list[Object]:
        """The Secrets of Helm's newest revisions."""
        return self.api(cluster).list(SECRET, self.space(cluster), labels="owner=helm,status!=superseded")
