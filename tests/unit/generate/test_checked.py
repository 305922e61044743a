"""What is generated passes GitLab's own schema and every rule of `mcci check`, for any configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcci.check import check
from mcci.check.collect import collect
from mcci.errors import InvalidInput
from mcci.pipeline.files import MemoryFiles
from tests.tools.examples import examples
from tests.unit.generate.generated import CASES, ROOT, make

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = sorted(path.parent.name for path in CASES.glob("*/mcci.yml"))


def findings(branches: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return what `mcci check` finds in the generated files of every branch."""
    found = []
    for files in branches.values():
        parent = next(path for path in files if path.endswith(".gitlab-ci.yml") and "/" not in path)
        subject = collect(
            MemoryFiles({**files, ".gitlab/lint.yml": "lint: {stage: .pre, script: [make lint]}\n"}), [parent]
        )
        assert {file.name for file in subject.files} >= set(files)
        found += [str(finding) for finding in check(subject)]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_cases_are_clean(name: str) -> None:
    """Each golden case is without a finding."""
    assert findings(make((CASES / name / "mcci.yml").read_text()).files) == []


def test_sample_is_clean() -> None:
    """The sample application's pipelines are without a finding."""
    assert findings(make((ROOT / "sample-app" / "mcci.yml").read_text()).files) == []


def test_a_broken_template_is_found() -> None:
    """The same check does find it when a generated file is wrong: a deploy without its resource group."""
    files = make((CASES / "three-branch" / "mcci.yml").read_text()).files
    broken = files["deployment"]["deploy-gitlab-ci.yml"].replace("  resource_group: production/live-aws\n", "")
    found = findings({"deployment": {**files["deployment"], "deploy-gitlab-ci.yml": broken}})
    assert any("deploy production/live-aws" in finding and "resource" in finding for finding in found), found


NAME = st.from_regex(r"[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,4})?", fullmatch=True)


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, Any]:
    """Draw configurations of every shape: layouts, versions, gates, placements, waves, engines."""
    clusters = draw(st.lists(NAME, min_size=1, max_size=4, unique=True))
    split = draw(st.integers(0, len(clusters) - 1))
    names = draw(st.lists(NAME.filter(lambda name: name not in ("default",)), min_size=1, max_size=4, unique=True))
    services: dict[str, Any] = {}
    for number, name in enumerate(names):
        service: dict[str, Any] = {"stack": draw(st.sampled_from(["python", "maven", "node", "go", "dockerfile"]))}
        if number and draw(st.booleans()):
            service["depends_on"] = [names[number - 1], "libs/shared/"]
        if draw(st.booleans()):
            service["clusters"] = draw(st.lists(st.sampled_from(clusters), min_size=1, unique=True))
        if draw(st.booleans()):
            service["canary"] = draw(st.sampled_from(["off", {"steps": [100]}, {"gate": "automatic", "bake": "90s"}]))
        services[name] = service
    environments: dict[str, Any] = {"production": {"waves": [[each] for each in clusters[split:]]}}
    if split:
        environments = {"stage": {"clusters": clusters[:split], "url": "https://a.example"}, **environments}
    return {
        "version": 1,
        "application": draw(NAME),
        "layout": draw(st.sampled_from(["three-branch", "trunk"])),
        "gitlab": {"version": draw(st.sampled_from(["17.0", "17.5", "17.11", "18.2", "18.10"]))},
        "runner": {
            "engine": draw(st.sampled_from(["socket", "dind", "buildah"])),
            "tags": draw(st.lists(NAME, max_size=2, unique=True)),
        },
        "mesh": {"topology": draw(st.sampled_from(["primary-remote", "multi-primary"]))},
        "services": services,
        "clusters": {name: {"prometheus": "https://p.example"} for name in clusters},
        "environments": environments,
    }


@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(configurations())
def test_any_configuration_is_clean(configuration: dict[str, Any]) -> None:
    """Whatever a valid configuration says, its pipelines are without a finding."""
    try:
        generated = make(yaml.safe_dump(configuration, sort_keys=False))
    except InvalidInput as error:
        pytest.fail(str(error))
    assert findings(generated.files) == []
