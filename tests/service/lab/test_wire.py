"""A canary on the wire: staff-service from v1 on AWS to v2 on Azure under load, and a faulty v3 that is caught.

Real images in containers, real Helm, the lab's clusters, real Envoys and Prometheuses, and mcci's own commands.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from math import sqrt
from typing import TYPE_CHECKING, Any

import pytest

from mcci.clients.load import Load
from mcci.lab import traffic
from tests.service.engine import wheels
from tests.service.lab.conftest import docker
from tests.tools.helm import helm

if TYPE_CHECKING:
    from pathlib import Path

    from tests.service.lab.conftest import Lab

CONFIG = """\
version: 1
application: vehicles
registry: {{host: "{registry}", insecure: true}}
services:
  staff-service:
    stack: python
    clusters: [prod-aws]
    canary: {{clusters: [prod-azure]}}
clusters:
  prod-aws: {{cloud: aws, prometheus: "{aws_prometheus}", proxies: ["{aws_proxy}"]}}
  prod-azure: {{cloud: azure, prometheus: "{azure_prometheus}", proxies: ["{azure_proxy}"]}}
environments:
  production: {{waves: [[prod-aws], [prod-azure]]}}
mesh: {{topology: primary-remote}}
canary: {{steps: [10, 50, 100], bake: 3s, rollback_window: 5s, analysis: {{min_requests: 30}}}}
"""
RATE = 50.0  # requests a second
SERVICE = "staff-service"


class Site:
    """The project, and mcci's commands in it."""

    def __init__(self, lab: Lab, engine: str, base: str, folder: Path) -> None:
        lab.environment["DOCKER_HOST"] = engine
        lab.environment["PATH"] = f"{helm('3').parent}{os.pathsep}{os.environ['PATH']}"
        facts = lab.up("prod-aws", "prod-azure")
        parts = lab.state["parts"]
        self.lab, self.folder, self.registry = lab, folder, facts["registry"]
        self.proxies = [each["proxy"] for each in parts["mesh"].values()]
        self._environment = dict(lab.environment)
        for each in facts["clusters"]:
            self._environment[each["variable"]] = each["kubeconfig"]
        shutil.copytree(wheels.SAMPLE / SERVICE, folder / SERVICE, ignore=shutil.ignore_patterns(*wheels.MADE))
        shutil.copytree(wheels.SAMPLE.parent / "charts", folder / "charts")
        text = CONFIG.format(
            registry=self.registry,
            **{
                f"{name.removeprefix('prod-')}_{key}": parts[part][name][key]
                for name in ("prod-aws", "prod-azure")
                for part, key in (("metrics", "prometheus"), ("mesh", "proxy"))
            },
        )
        (folder / "mcci.yml").write_text(text)
        self._images = {version: self._image(engine, base, version) for version in ("v1", "v2", "v3")}

    def _image(self, engine: str, base: str, version: str) -> str:
        context = self.folder / SERVICE
        (context / "dist").mkdir(exist_ok=True)
        for wheel in wheels.build().glob("*.whl"):
            if not (context / "dist" / wheel.name).exists():
                (context / "dist" / wheel.name).hardlink_to(wheel)
        tag = f"{self.registry}/vehicles/{SERVICE}:{version}"
        given = ["--build-arg", f"BASE_IMAGE={base}", "--build-arg", f"SERVICE_VERSION={version}"]
        docker(engine, "build", "-q", "--network", "none", *given, "--tag", tag, str(context))
        docker(engine, "push", "-q", tag)
        return docker(engine, "image", "inspect", "--format", "{{index .RepoDigests 0}}", tag).strip()

    def mcci(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
        """Run a command of mcci."""
        done = subprocess.run(
            [sys.executable, "-m", "mcci", *arguments], env=self._environment, cwd=self.folder, capture_output=True,
            text=True, timeout=180, check=False,
        )  # fmt: skip
        assert done.returncode in codes, f"{' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def deploy(self, version: str) -> None:
        """Deploy a release with this version to production."""
        release = {
            "schema": "mcci.release/1",
            "release": version.replace("v", "") * 40,
            "services": [
                {
                    "service": SERVICE,
                    "image": self._images[version],
                    "content_tag": "",
                    "commit": "",
                    "source_pipeline": "",
                }
            ],
        }
        (self.folder / "release.json").write_text(json.dumps(release))
        self.mcci("deploy", "--environment", "production")

    def step(self, weight: str, seconds: float = 60) -> None:
        """Take a step as soon as the bake time is over and there is evidence: 5 says not yet."""
        end = time.monotonic() + seconds
        while self.mcci("canary", "step", SERVICE, "--to", weight, "--no-stay", codes=(0, 5)).returncode:
            assert time.monotonic() < end, weight
            time.sleep(1)

    def caught(self, weight: str, seconds: float = 90) -> str:
        """Try a step until the judge has caught the canary, and return what it said."""
        end = time.monotonic() + seconds
        while (done := self.mcci("canary", "step", SERVICE, "--to", weight, "--no-stay", codes=(4, 5))).returncode != 4:
            assert time.monotonic() < end, done.stdout + done.stderr
            time.sleep(1)
        return done.stdout + done.stderr

    def promote(self, seconds: float = 60) -> None:
        """Promote as soon as there is evidence."""
        end = time.monotonic() + seconds
        while self.mcci("canary", "promote", SERVICE, codes=(0, 5)).returncode:
            assert time.monotonic() < end
            time.sleep(1)

    def address(self) -> str:
        """Return where pods in AWS reach the service."""
        raw = self.lab.run("prod-aws", "kubectl", "get", "service", SERVICE, "-n", "vehicles", "-o", "json")
        found: dict[str, Any] = json.loads(raw)
        return f"http://{found['spec']['clusterIP']}:8080/drivers/v-0001"


def within(count: int, total: int, share: float) -> bool:
    """Whether a count is likely at that share: four standard deviations of the binomial."""
    return abs(count - total * share) <= 4 * sqrt(total * share * (1 - share)) + 1


@pytest.fixture
def site(lab: Lab, engine: str, base: str, tmp_path: Path) -> Site:
    """Set up the project with its three versions."""
    folder = tmp_path / "project"
    folder.mkdir()
    return Site(lab, engine, base, folder)


def versions(load: Load, since: float) -> Counter[str]:
    """Return who answered what was sent since then."""
    return Counter(answer.version for answer in load.since(since))


def test_two_clouds_and_a_faulty_version(site: Site) -> None:
    """v1 → v2 across two clouds without a failed request, 90/10 as the binomial has it; v3 is caught and taken back."""
    site.deploy("v1")
    with Load(site.address(), rate=RATE) as load:
        time.sleep(1)
        site.deploy("v2")
        assert versions(load, 0).keys() == {"v1"}  # beside the stable version, at weight 0
        site.mcci("canary", "step", SERVICE, "--to", "10", "--no-stay")
        begun = time.time()
        split = traffic.watch(site.proxies, SERVICE, seconds=12)
        answered = versions(load, begun)
        assert within(answered["v2"], sum(answered.values()), 0.1), answered
        assert split.counted > 400
        for weight in ("50", "100"):
            site.step(weight)
        moved = time.time()
        time.sleep(1)
        assert versions(load, moved).keys() == {"v2"}
        site.promote()
        assert load.tally.failed == 0, [answer for answer in load.answers if answer.failed][:3]
        assert load.tally.sent > 800

        site.deploy("v3")
        assert load.tally.failed == 0
        site.step("10")
        said = site.caught("50")
        assert "verdict: fail" in said
        assert "rolled back" in said
        back = time.time()
        time.sleep(1)
        assert versions(load, back).keys() == {"v2"}
