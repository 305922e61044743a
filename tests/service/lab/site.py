"""A lab with every part, its own engine, and a service of two versions deployed to it."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.request
from typing import TYPE_CHECKING, Any

from mcci.lab.load import model
from mcci.lab.plan import Folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.service.lab.conftest import Lab

VERSION = """
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web-{version}}}
spec:
  selector: {{matchLabels: {{app: web, version: {version}}}}}
  template:
    metadata: {{labels: {{app: web, version: {version}}}}}
    spec:
      containers:
        - name: web
          image: {image}
          ports: [{{name: http, containerPort: 8080}}]
          readinessProbe: {{httpGet: {{path: /readyz, port: http}}, periodSeconds: 1}}
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 8080, targetPort: http}]}
"""
TRAFFIC = """
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web}
spec:
  host: web
  subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: web}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [web.example]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  hosts: [web, web.example]
  gateways: [web, mesh]
  http:
    - route:
        - {destination: {host: web, subset: v1}, weight: 70}
        - {destination: {host: web, subset: v2}, weight: 30}
"""
SECONDS = 60.0


class Site:
    """A lab with its own engine and a service deployed, and what it is asked."""

    def __init__(self, lab: Lab, image: str) -> None:
        self.lab = lab
        self.facts = lab.up("prod-aws")
        text = SERVICE + TRAFFIC + "".join(VERSION.format(version=each, image=image) for each in ("v1", "v2"))
        (lab.folder / "app.yml").write_text(text)
        lab.run("prod-aws", "kubectl", "apply", "-f", str(lab.folder / "app.yml"))
        service = json.loads(lab.run("prod-aws", "kubectl", "get", "service", "web", "-o", "json"))
        self.address = f"http://{service['spec']['clusterIP']}:8080/"
        for version in ("v1", "v2"):
            lab.run("prod-aws", "kubectl", "rollout", "status", f"deployment/web-{version}", "--timeout=60s")
        self.until(self.answers, "the service to answer")

    @property
    def folder(self) -> Folder:
        """The lab's folder."""
        return Folder(path=self.lab.folder / "state")

    def answers(self) -> str:
        """Ask the service through the mesh; return the pod's name, or nothing."""
        found = get(self.address)
        return str(json.loads(found)["pod"]) if found else ""

    def part(self, name: str) -> dict[str, Any]:
        """Return what a part says of itself."""
        found: dict[str, Any] = self.lab.state["parts"][name]
        return found

    def kill(self, part: str) -> None:
        """Kill a part's first program with -9, and wait until another runs in its place."""
        before = self.record(part)
        os.kill(before["pid"], signal.SIGKILL)
        self.until(lambda: self.record(part)["pid"] not in (0, before["pid"]), f"{part} to be started again")

    def record(self, part: str) -> dict[str, Any]:
        """Return what is on record of a part's first program."""
        body: dict[str, Any] = json.loads((self.lab.folder / "state/programs" / part / "0.json").read_text())
        return body

    def load(self) -> dict[str, Any]:
        """Return what is told of the one load."""
        (found,) = model.seen(self.folder)
        return found.body

    def until(self, look: Callable[[], Any], what: str) -> None:
        """Wait until it is so."""
        end = time.monotonic() + SECONDS
        while not look():
            assert time.monotonic() < end, f"{what}\n{(self.lab.folder / 'state/supervisor.log').read_text()}"
            time.sleep(0.1)


def get(url: str) -> bytes:
    """Return what is answered there, nothing where that is not 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            found: bytes = answer.read()
    except OSError:
        return b""
    return found
