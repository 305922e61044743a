"""From what an event makes to what the status engine plays."""

from __future__ import annotations

import textwrap

import pytest

from mcci.errors import InvalidInput
from mcci.pipeline.files import MemoryFiles
from mcci.simulation.events import Event, Project, Source
from mcci.simulation.pipelines import simulate
from mcci.simulation.status import actions, planned
from mcci.simulation.status.instance import Instance
from mcci.simulation.status.model import JobSpec, Need, OnJobFailure, PipelineSpec, Retry, Status, When
from mcci.simulation.status.settling import settle


def made(config: str, **files: str) -> PipelineSpec:
    """Return the pipeline that a push to main makes of a configuration."""
    texts = MemoryFiles(
        {".gitlab-ci.yml": textwrap.dedent(config), **{f"{name}.yml": text for name, text in files.items()}}
    )
    return planned.pipeline_spec(simulate(Project(files=lambda _: texts), Event(source=Source.PUSH, ref="main")))


def test_everything_that_statuses_depend_on() -> None:
    """A job's keywords, after its rules and defaults, are all there."""
    spec = made(
        """
        default: {interruptible: true}
        workflow: {auto_cancel: {on_job_failure: all}}
        stages: [build, deploy]
        build: {stage: build, script: make, parallel: 2, retry: {max: 1, when: always, exit_codes: [3]}}
        ship:
          stage: deploy
          script: make ship
          needs: [build]
          interruptible: false
          resource_group: $CI_COMMIT_BRANCH
          allow_failure: {exit_codes: 4}
          rules:
            - if: $CI_COMMIT_BRANCH
              when: delayed
              start_in: 1 minute
        """
    )
    assert (spec.stages, spec.on_job_failure) == ((".pre", "build", "deploy", ".post"), OnJobFailure.ALL)
    retry = Retry(max=1, when=frozenset({"always"}), exit_codes=frozenset({3}))
    assert spec.jobs == (
        JobSpec(name="build 1/2", stage="build", retry=retry, interruptible=True),
        JobSpec(name="build 2/2", stage="build", retry=retry, interruptible=True),
        JobSpec(
            name="ship",
            stage="deploy",
            when=When.DELAYED,
            start_in=60,
            needs=(Need(job="build 1/2"), Need(job="build 2/2")),
            resource_group="main",
            allow_failure_exit_codes=frozenset({4}),
        ),
    )


def test_example_of_the_package() -> None:
    """The steps that the package's documentation shows work."""
    instance = Instance(downstream=planned.downstream)
    pipeline = instance.create(made("build: {script: make}"))
    settle(instance)
    actions.run(pipeline.jobs["build"])
    actions.drop(pipeline.jobs["build"], exit_code=1)
    settle(instance)
    assert pipeline.status is Status.FAILED


@pytest.mark.parametrize(
    ("child", "expected"),
    [
        ("unit: {script: make test}", Status.RUNNING),
        ("unit: {script: make test, rules: [{when: never}]}", Status.FAILED),
        ("unit: {nothing: at all}", Status.FAILED),
    ],
)
def test_trigger_job_starts_the_child_that_was_planned(child: str, expected: Status) -> None:
    """A trigger job follows its child pipeline, and fails where GitLab would create none."""
    instance = Instance(downstream=planned.downstream)
    pipeline = instance.create(made("child: {trigger: {include: child.yml, strategy: depend}}", child=child))
    settle(instance)
    assert pipeline.jobs["child"].status is expected


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("unit: {script: x, rules: [{when: never}]}", "no job is in it"),
        ("workflow: {rules: [{when: never}]}\nunit: {script: x}", "there is no pipeline"),
        ("unit: {script: x, needs: [gone]}", "undefined need: gone"),
        ("unit: {script: x, retry: {max: 1, exit_codes: [{a: 1}]}}", "exit_codes should be a whole number"),
        ("unit: {script: x, when: delayed, start_in: 8 days}", "start_in should be a duration of at most one week"),
        (
            "workflow: {auto_cancel: {on_new_commit: 3}}\nunit: {script: x}",
            "on_new_commit should be one of conservative",
        ),
    ],
)
def test_no_pipeline_is_told_with_its_reason(config: str, expected: str) -> None:
    """Where GitLab would create no pipeline the findings say why, and where."""
    with pytest.raises(InvalidInput, match=expected):
        made(config)
