"""The services as the charts render them: the same configuration that a cluster gets, in plain processes."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Browser, expect

from localrun import charts
from localrun.charts import from_charts, image_defaults, read_workload, render
from localrun.fleet import Fleet
from localrun.services import CALLS, ROOT, SetupError

pytestmark = pytest.mark.service

ENVIRONMENTS = ("stage", "production")


def deployment(objects: list[dict[str, Any]]) -> dict[str, Any]:
    """The pod's specification in what Helm rendered."""
    found: dict[str, Any] = next(each for each in objects if each["kind"] == "Deployment")["spec"]["template"]["spec"]
    return found


def test_the_page_works_against_rendered_services(helm: Path, browser: Browser, tmp_path: Path) -> None:
    """All six start from what Helm rendered for stage on azure, and the page shows vehicles, driver and cloud."""
    overrides = {name: {"DRAIN_SECONDS": "0"} for name in CALLS} | {"staff-service": {"SERVICE_VERSION": "v2"}}
    services = from_charts(tmp_path, helm=helm, environment="stage", cloud="azure", overrides=overrides)
    with Fleet(services) as fleet:
        fleet.start_all()
        page = browser.new_page()
        page.goto(fleet.url("webapp") + "#v-0001")
        expect(page.locator("#count")).to_have_text("120")
        expect(page.locator("#answer")).to_have_text("staff-service v2 in azure")
        expect(page.locator("#speed")).to_have_text(re.compile(r"^\d+$"))
        expect(page.locator('#services li[data-state="up"]')).to_have_count(5)
        page.close()
        with urllib.request.urlopen(fleet.url("position-simulator") + "simulation") as answer:
            assert json.load(answer)["vehicles"] == 120
        assert set(fleet.stop().values()) == {0}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("name", CALLS)
def test_there_is_time_to_stop(helm: Path, name: str, environment: str) -> None:
    """The pod's grace covers the wait before SIGTERM, the draining and the requests in flight."""
    objects = render(helm, name, version="v1", environment=environment, cloud="aws")
    pod = deployment(objects)
    profile = yaml.safe_load(read_workload(objects).files["/etc/microservice/profile.yml"])
    (container,) = pod["containers"]
    wait = container["lifecycle"]["preStop"]
    before = wait["sleep"]["seconds"] if "sleep" in wait else int(wait["exec"]["command"][-1])
    assert before + profile["drain_seconds"] + profile["shutdown_seconds"] < pod["terminationGracePeriodSeconds"]


@pytest.mark.parametrize("name", CALLS)
def test_image_and_chart_agree(helm: Path, name: str) -> None:
    """User, port and health paths are the same in the Dockerfile and in the rendered Deployment."""
    text = (ROOT / name / "Dockerfile").read_text()
    pod = deployment(render(helm, name, version="v1", environment="stage", cloud="aws"))
    (container,) = pod["containers"]
    user = pod["securityContext"]["runAsUser"]
    command, variables = image_defaults(ROOT / name / "Dockerfile")
    assert f"USER {user}:{pod['securityContext']['runAsGroup']}" in text
    assert f"EXPOSE {container['ports'][0]['containerPort']}" in text
    assert variables["PORT"] == str(container["ports"][0]["containerPort"])
    assert command == ["python3", "-m", name.replace("-", "_")]
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_what_the_charts_get_wrong_is_said(helm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port nobody listens on, and an address no Service has, are errors that name them; so is Helm's refusal."""

    def start() -> None:
        from_charts(tmp_path, helm=helm, environment="stage", cloud="aws", overrides={})

    original = charts.render

    def broken(*arguments: Any, **options: Any) -> list[dict[str, Any]]:
        text = json.dumps(original(*arguments, **options))
        changed: list[dict[str, Any]] = json.loads(text.replace(*replacement))
        return changed

    monkeypatch.setattr(charts, "render", broken)
    replacement = ('"containerPort": 8080', '"containerPort": 8181')
    with pytest.raises(SetupError, match="position-tracker listens on 8080, but its chart declares port 8181"):
        start()
    replacement = ("http://position-tracker:8080", "http://position-trakcer:8080")
    with pytest.raises(SetupError, match="tracker_url is http://position-trakcer:8080, but no rendered Service"):
        start()
    with pytest.raises(SetupError, match=r"helm cannot render staff-service: .*invalid release name"):
        render(helm, "staff-service", version="", environment="stage", cloud="aws")
    with pytest.raises(SetupError, match="staff-service has no profile for moon"):
        render(helm, "staff-service", version="v1", environment="moon", cloud="aws")
