"""`mcci lab traffic` and the load: the split that callers get, what fails, and who answers."""

from __future__ import annotations

import io
import json
from math import sqrt
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from mcci.commands import lab_live
from mcci.commands.lab_traffic import Looked
from mcci.lab.flows import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.service.lab.site import Site


@pytest.fixture(scope="module")
def loaded(site: Site) -> Iterator[Site]:
    """Send requests through the gateway."""
    site.lab.mcci("up", "--load", "web/hello=100")
    site.until(lambda: site.load()["sent"] > 20, "requests")
    yield site
    site.lab.mcci("up", "--load", "web/hello=0")


def traffic(site: Site, *arguments: str) -> dict[str, Any]:
    """Return what is on the wire to the service."""
    body = json.loads(site.lab.mcci("traffic", "web", "--format", "json", *arguments).stdout)
    (found,) = body["services"]
    return dict(found)


def test_split(loaded: Site) -> None:
    """The counts are those of the weights, as the binomial has it; none failed; the load agrees."""
    found = traffic(loaded, "--seconds", "6")
    first, second = found["splits"]
    assert [(each["version"], each["weight"], each["answered_in"]) for each in (first, second)] == [
        ("v1", 70, ["prod-aws"]), ("v2", 30, ["prod-aws"]),
    ]  # fmt: skip
    total = found["requests"]
    assert (found["mesh"], found["failed"]) == ("production", 0)
    assert total == first["requests"] + second["requests"] > 100
    assert abs(second["requests"] - 0.3 * total) < 4 * sqrt(total * 0.3 * 0.7)
    assert found["rate"] == pytest.approx(total / found["seconds"], rel=0.01)
    load = loaded.load()
    assert load["url"].endswith("/hello")
    assert loaded.part("mesh")["prod-aws"]["gateway"] in load["url"]
    assert (load["failed"], set(load["statuses"])) == (0, {"200"})
    assert 0 < load["rate"] < 120  # a busy machine sends fewer
    assert 0 < load["p50"] <= load["p95"] <= load["p99"] < 5


def test_failures(loaded: Site) -> None:
    """Requests for which a version has no pod are counted as failed, of that version and by the load."""
    loaded.lab.run("prod-aws", "kubectl", "scale", "deployment/web-v2", "--replicas=0")
    try:
        target = Target(service="web", namespace="default", version="v2")
        look = Looked.at(loaded.folder)
        assert look
        loaded.until(lambda: not look.read().looks["prod-aws"].places[target], "no pod")
        found = traffic(loaded, "--seconds", "2")
        first, second = found["splits"]
        assert (first["failed"], found["failed"]) == (0, second["failed"])
        assert 0 < second["failed"] == second["requests"]
        loaded.until(lambda: loaded.load()["failed"] > 0, "the load to see it")
        assert "HTTP 503" in loaded.lab.mcci("status").stdout
        text = loaded.lab.mcci("traffic", "web", "--seconds", "1").stdout
        assert "no pod" in text
        assert "none failed" not in text
    finally:
        loaded.lab.run("prod-aws", "kubectl", "scale", "deployment/web-v2", "--replicas=1")
        loaded.lab.run("prod-aws", "kubectl", "rollout", "status", "deployment/web-v2", "--timeout=60s")


def test_live(loaded: Site) -> None:
    """The live view shows the rate, a bar of both versions and the load."""
    found = Looked.at(loaded.folder)
    assert found
    console = Console(record=True, width=140, force_terminal=True, file=io.StringIO())
    lab_live.live(found.read, lambda before, after: found.between(before, after, "web"), found.loads, 5.0, console, 2)
    text = console.export_text()
    assert "web in production: " in text
    assert "█" * 30 in text
    assert "load on web from prod-aws: " in text


def test_refused(loaded: Site) -> None:
    """What is not there is told, with what is."""
    assert (
        "a service nothing; there are kubernetes, web"
        in loaded.lab.mcci("traffic", "nothing", "--seconds", "0.5", code=2).stderr
    )
    assert "--watch draws" in loaded.lab.mcci("traffic", "--watch", "--format", "json", code=2).stderr
    assert "no cluster 'moon'; there are prod-aws" in loaded.lab.mcci("up", "--load", "web@moon=1", code=2).stderr
