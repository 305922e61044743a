"""A small fleet in memory: clusters with a helm each, and deploys to them as `mcci deploy` runs them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mcci.clients.kubernetes.api import CONFIG_MAP, DEPLOYMENT, VIRTUAL_SERVICE
from mcci.clients.registry.reference import Reference, parse
from mcci.config.load import load
from mcci.config.model import Config
from mcci.delivery.deploy import wanted
from mcci.delivery.deploy.cluster import ClusterDeploy
from mcci.delivery.deploy.prepare import Kitchen
from mcci.delivery.deploy.run import Deploy, Done
from mcci.delivery.deploy.session import Session, Target
from mcci.delivery.deploy.sets import parse as parse_set
from mcci.delivery.release.model import Image, Release
from mcci.job import Job
from tests.unit.clusters.fake_api import FakeApi, Script, State
from tests.unit.deploy.fake_helm import NAMESPACE, FakeHelm

TEXT = """
version: 1
application: fleet
registry: {host: registry.example.com}
services: {web: {}, api: {canary: off}}
environments:
  stage: {clusters: [stage]}
  production: {waves: [[one], [two]]}
clusters: {stage: {}, one: {}, two: {}}
"""


def digest(digit: str) -> str:
    """A digest of one digit."""
    return f"sha256:{digit * 64}"


def release(name: str = "1", **digits: str) -> Release:
    """A release whose images have the digests of that digit; by default `name`'s first."""
    images = {service: digits.get(service, name[0]) for service in ("web", "api")}
    return Release(
        name=name * 7,
        images={
            service: Image(service=service, image=_image(service, digit), commit=digit * 40)
            for service, digit in images.items()
        },
    )


def _image(service: str, digit: str) -> Reference:
    return parse(f"registry.example.com/fleet/{service}@{digest(digit)}")


@dataclass(slots=True)
class Fleet:
    """Clusters that live on between deploys. `said` is what deploys told."""

    root: Path
    text: str = TEXT
    states: dict[str, State] = field(default_factory=dict)
    helms: dict[str, FakeHelm] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    script: Script = field(default_factory=Script)
    now: datetime = datetime(2026, 11, 23, tzinfo=UTC)

    @property
    def config(self) -> Config:
        """The configuration."""
        return load(self.text.encode(), "mcci.yml")

    def api(self, cluster: str, script: Script | None = None) -> FakeApi:
        """A cluster's API."""
        state = self.states.setdefault(cluster, State(namespaces=()))
        return FakeApi(cluster, state, script or self.script)

    def helm(self, cluster: str) -> FakeHelm:
        """A cluster's helm."""
        if cluster not in self.helms:
            self.helms[cluster] = FakeHelm(self.api(cluster, Script()))
        return self.helms[cluster]

    def deploy(
        self, wanted_release: Release, environment: str = "production", *, cluster: str | None = None,
        services: Sequence[str] = (), pipeline: int | None = None, sets: Sequence[str] = (), timeout: float = 3,
        **options: Any,
    ) -> list[Done]:  # fmt: skip
        """Deploy, as the command does."""
        with self.opened(
            wanted_release, environment, cluster=cluster, services=services, pipeline=pipeline, sets=sets,
            timeout=timeout, **options,
        ) as run:  # fmt: skip
            run.open(lock=True)
            run.check()
            return run.run()

    def opened(
        self, wanted_release: Release, environment: str = "production", *, cluster: str | None = None,
        services: Sequence[str] = (), pipeline: int | None = None, sets: Sequence[str] = (), timeout: float = 3,
        **options: Any,
    ) -> Deploy:  # fmt: skip
        """A deploy that has not begun."""
        config = self.config
        where = wanted.environment(config, environment)
        chosen = wanted.services(config, services)
        wanted.check(config, wanted_release, chosen)
        session = Session(
            config=config, environment=where, services=chosen, release=wanted_release,
            kitchen=Kitchen(self.root, config, where, [parse_set(each) for each in sets]),
            job=Job(pipeline_id=pipeline, pipeline_url=f"https://gitlab.example.com/{pipeline}" if pipeline else ""),
            user="anna", timeout=timeout, say=lambda name, line: self.said.append(f"{name}: {line}"),
            now=lambda: self.now, **options,
        )  # fmt: skip
        leader = config.config_clusters(where)[0]
        targets = {name: self.target(name) for name in where.all_clusters}
        waves = wanted.clusters(where, cluster)
        return Deploy(
            [
                [ClusterDeploy(session=session, target=targets[n], leader=targets[leader]) for n in wave]
                for wave in waves
            ]
        )

    def target(self, cluster: str) -> Target:
        """A cluster, open."""
        return Target(api=self.api(cluster), helm=self.helm(cluster))

    def calls(self, cluster: str) -> list[str]:
        """What helm was asked to change since the last look."""
        found = [call for call in self.helm(cluster).calls if not call.startswith("template")]
        self.helm(cluster).calls.clear()
        return found

    def weights(self, cluster: str, service: str = "web") -> dict[str, int]:
        """The live weights."""
        found = self.api(cluster).peek(VIRTUAL_SERVICE, service, NAMESPACE)
        routes = found["spec"]["http"][0]["route"] if found else []
        return {each["destination"].get("subset", ""): each.get("weight", 100) for each in routes}

    def move(self, cluster: str, **weights: int) -> None:
        """Move the live traffic of `web`, as a canary does."""
        api = self.api(cluster, Script())
        found = api.peek(VIRTUAL_SERVICE, "web", NAMESPACE)
        assert found
        for each in found["spec"]["http"][0]["route"]:
            each["weight"] = weights[each["destination"]["subset"]]
        api.put(VIRTUAL_SERVICE, found)

    def images(self, cluster: str) -> dict[str, str]:
        """The last digit of each Deployment's digest, by its name."""
        found = FakeApi(cluster, self.states[cluster]).list(DEPLOYMENT, NAMESPACE)
        return {
            each["metadata"]["name"]: each["spec"]["template"]["spec"]["containers"][0]["image"][-1] for each in found
        }

    def document(self, cluster: str, name: str, key: str) -> Any:
        """The JSON in a ConfigMap; None where there is none."""
        found = self.api(cluster).peek(CONFIG_MAP, name, NAMESPACE)
        return json.loads(found["data"][key]) if found else None

    def record(self, cluster: str) -> Any:
        """The environment's record."""
        return self.document(cluster, "mcci-environment", "record")

    def canary(self, cluster: str, service: str = "web") -> Any:
        """The state of a canary."""
        return self.document(cluster, f"mcci-canary-{service}", "state")
