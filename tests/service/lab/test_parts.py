"""Every part of a lab that is killed comes back and works as before, with what was deployed."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.service.lab.conftest import docker
from tests.service.lab.site import get

if TYPE_CHECKING:
    from tests.service.lab.site import Site


def test_registry(site: Site) -> None:
    """The registry is back at its address, with what was pushed to it."""
    tag = f"{site.facts['registry']}/base:1"
    engine = site.part("engine")["host"]
    image = docker(engine, "images", "--quiet").split()[0]
    docker(engine, "tag", image, tag)
    docker(engine, "push", "-q", tag)
    site.kill("registry")
    site.until(lambda: b'"1"' in get(f"http://{site.facts['registry']}/v2/base/tags/list"), "the tag")


def test_envoy(site: Site) -> None:
    """The mesh is back with the routes that it had: the Service's address answers."""
    site.kill("mesh")
    site.until(site.answers, "the service to answer")


def test_prometheus(site: Site) -> None:
    """Prometheus is back at its address, and still knows what was asked before."""
    query = "/api/v1/query?query=" + quote('count_over_time(up{job="envoy"}[1h])')
    url = site.part("metrics")["prod-aws"]["prometheus"] + query

    def readings() -> int:
        result = json.loads(get(url) or b'{"data": {"result": []}}')["data"]["result"]
        return int(result[0]["value"][1]) if result else 0

    site.until(lambda: readings() >= 2, "readings")
    before = readings()
    site.kill("metrics")
    site.until(lambda: readings() > before, "more readings than before")


@pytest.mark.faults
def test_engine(site: Site) -> None:
    """The engine is back, and every pod in a container: the service answers."""
    engine = site.part("engine")["host"]
    site.kill("engine")

    def runs() -> bool:
        environment = {"DOCKER_HOST": engine, "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
        command = ["/usr/bin/docker", "ps", "--quiet", "--filter", "label=io.mcci.lab"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        return done.returncode == 0 and len(done.stdout.split()) == 2

    site.until(runs, "the containers of the pods")
    site.until(site.answers, "the service to answer")
    assert "restarted" in site.lab.mcci("status").stdout


def test_load(site: Site) -> None:
    """The load is sent again."""
    site.lab.mcci("up", "--load", "web@prod-aws=20")
    site.until(lambda: site.load()["sent"] > 20, "requests")
    site.kill("load")
    site.until(lambda: 0 < site.load()["sent"] < 20, "a new count")
    site.lab.mcci("up", "--load", "web=0")
    site.until(lambda: site.record("load")["pid"] == 0, "the sender to end")
    assert json.loads(site.lab.mcci("status", "--format", "json").stdout)["load"] == []
