"""The sample application's own profiles go through the chart unchanged, and its times fit the chart's."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.charts.rendering import CHARTS, case, one_of, run
from tests.tools.helm import Major

pytestmark = pytest.mark.service

PROFILES = sorted((CHARTS.parent / "sample-app").glob("*/profiles/production.yml"))


def test_six_services() -> None:
    """All six services of the sample application have a production profile."""
    assert len(PROFILES) == 6


@pytest.mark.parametrize("profile", PROFILES, ids=lambda path: path.parents[1].name)
def test_profile(major: Major, profile: Path) -> None:
    """The profile's text arrives byte for byte, its port is the container's, and stopping ends before the kill."""
    one = case("microservice/minimal")
    values = str(one.folder / "values.yaml")
    name = profile.parents[1].name
    arguments = ["--set", f"app={name}", "--set-file", f"profile.content={profile}"]
    done = run(major, "template", name, str(one.chart), "--values", values, *arguments)
    assert done.returncode == 0, done.stderr
    objects = [document for document in yaml.safe_load_all(done.stdout) if document]
    pod = one_of(objects, "Deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    text = profile.read_text(encoding="utf-8")
    settings = yaml.safe_load(text)
    assert one_of(objects, "ConfigMap")["data"] == {"profile": text}
    assert container["ports"][0]["containerPort"] == settings["port"]
    waits = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert waits + settings["drain_seconds"] + settings["shutdown_seconds"] < pod["terminationGracePeriodSeconds"]
