"""Each configuration of the corpus makes the pipelines that GitLab's documentation says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from mcci.pipeline.files import MemoryFiles
from mcci.simulation.events import Event, MergeRequest, Project, ProjectVariable, Source
from mcci.simulation.pipelines import Pipeline, simulate

CORPUS = yaml.safe_load(Path(__file__).with_name("pipelines.yml").read_text())
SOURCES = {"push": Source.PUSH, "tag": Source.PUSH, "schedule": Source.SCHEDULE, "merge-request": Source.MERGE_REQUEST}
CASES = [
    pytest.param(case, config, event, index, id=f"{case['about']}-{index}-{number}")
    for case in CORPUS
    for index, config in enumerate(case.get("configs") or [case["config"]])
    for number, event in enumerate(case["events"])
]


def event_of(given: dict[str, Any]) -> Event:
    """Return the event that a case describes."""
    kind = given["event"]
    request = MergeRequest(source="feature", target="main") if kind == "merge-request" else None
    changes = given.get("changes")
    return Event(
        source=SOURCES[kind],
        ref="feature" if request else given.get("ref", "v1.0" if kind == "tag" else "main"),
        tag=kind == "tag",
        merge_request=request,
        changes=None if changes is None else tuple(changes),
        compared={ref: tuple(paths) for ref, paths in given.get("compared", {}).items()},
        variables=given.get("variables", {}),
        inputs=given.get("inputs", {}),
        open_merge_requests=tuple(given.get("open_merge_requests", ())),
    )


def pipeline_of(case: dict[str, Any], config: str, given: dict[str, Any]) -> Pipeline:
    """Return the pipeline that a case makes."""
    files = MemoryFiles({".gitlab-ci.yml": config, **case.get("files", {})})
    refs = given.get("refs")
    variables = tuple(ProjectVariable(**one) for one in case.get("project_variables", ()))
    project = Project(files=lambda ref: files if refs is None or ref in refs else None, variables=variables)
    return simulate(project, event_of(given))


@pytest.mark.parametrize(("case", "config", "given", "index"), CASES)
def test_pipeline(case: dict[str, Any], config: str, given: dict[str, Any], index: int) -> None:
    """The jobs are those expected, with what is expected of them; or there is no pipeline, for the reason expected."""
    pipeline = pipeline_of(case, config, given)
    found = [finding.rule for finding in (*pipeline.findings, *pipeline.configuration.findings)]
    if "refused" in given:
        expected = given["refused"][index] if isinstance(given["refused"], list) else given["refused"]
        assert expected in found
        assert not pipeline.decision.included
        return
    assert found == []
    if "none" in given:
        assert not pipeline.decision.included
        assert given["none"] in pipeline.decision.reason
        return
    assert [planned.name for planned in pipeline.jobs] == list(given["jobs"])
    if "name" in given:
        assert pipeline.name == given["name"]
    if isinstance(given["jobs"], dict):
        for planned in pipeline.jobs:
            for key, expected in (given["jobs"][planned.name] or {}).items():
                assert (planned.name, key, actual(planned, key)) == (planned.name, key, expected)


def actual(planned: Any, key: str) -> Any:
    """Return what a job has for a key of the corpus."""
    if key == "allow_failure":
        return planned.allow_failure.allowed
    if key == "needs":
        return None if planned.needs is None else list(planned.needs)
    if key == "child":
        return [job.name for job in planned.child.jobs]
    if key == "stage":
        return planned.job.stage
    if key == "script":
        return list(planned.job.keywords["script"])
    return getattr(planned, key)


def test_sources() -> None:
    """Each case names its page on GitLab's site."""
    assert len(CASES) >= 100
    assert all(case["source"].startswith("https://docs.gitlab.com/") for case in CORPUS)
