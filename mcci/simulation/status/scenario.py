"""`mcci simulate --scenario FILE`: play a scenario's events and compare the statuses with what it expects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import TypeVar

from mcci.errors import InvalidInput
from mcci.findings import Finding
from mcci.simulation.status import actions, cancellation, events
from mcci.simulation.status.instance import Instance
from mcci.simulation.status.pipeline import Pipeline
from mcci.simulation.status.planned import downstream
from mcci.simulation.status.report import Difference, Report, Snapshot, Statuses
from mcci.simulation.status.scenario_file import read
from mcci.simulation.status.scenario_model import MAIN, Configured, Event, Expected, Named, Scenario, Step
from mcci.simulation.status.scenario_project import ScenarioProjects
from mcci.simulation.status.settling import settle

_T = TypeVar("_T")


def run(text: str, file: str) -> Report:
    """Return what became of a scenario.

    Raises `InvalidInput`, with positions, for a file that is no scenario, a configuration from which GitLab would make
    no pipeline, and events on jobs that the pipeline does not have.
    """
    text = text.removeprefix("\ufeff")  # the YAML reader takes a byte order mark away without counting it
    scenario = read(text, file)
    player = _Player(scenario, ScenarioProjects(scenario, text, file))
    player.start(MAIN, scenario.main)
    snapshots = [player.play(step) for step in scenario.steps]
    return Report(
        file=file,
        title=scenario.title,
        source=scenario.source,
        expectations=sum(len(step.expected) for step in scenario.steps),
        snapshots=tuple(snapshots),
    )


class _Player:
    """An instance with the scenario's pipelines, by the names that the scenario gives them."""

    def __init__(self, scenario: Scenario, projects: ScenarioProjects) -> None:
        self.scenario = scenario
        self.projects = projects
        self.instance = Instance(downstream=downstream, cancels_gracefully=scenario.cancels_gracefully)
        self.started: dict[str, Pipeline] = {}
        for name, mode in scenario.modes.items():
            self.instance.set_process_mode(scenario.main.project, name, mode)

    def start(self, name: str, configured: Configured) -> None:
        pipeline = self.instance.create(
            self.projects.pipeline(configured),
            project=configured.project,
            ref=configured.ref,
            sha=configured.sha,
            source=configured.source.value,
        )
        self.started[name] = pipeline
        cancellation.cancel_redundant(self.instance, pipeline)
        settle(self.instance)

    def play(self, step: Step) -> Snapshot:
        """Let one event happen, and compare."""
        refused = tuple(self.happen(step)) if step.event is not None else ()
        settle(self.instance)
        statuses = {name: _statuses(pipeline) for name, pipeline in self.named()}
        differences = [difference for item in step.expected for difference in _compare(item, statuses)]
        return Snapshot(
            event=_said(step),
            position=step.position,
            refused=refused,
            differences=tuple(differences),
            statuses=statuses,
        )

    def named(self) -> Iterator[tuple[str, Pipeline]]:
        """Yield all pipelines with their names: downstream ones by the way of trigger jobs that leads to them."""
        open_ends = list(self.started.items())
        for name, pipeline in open_ends:
            yield name, pipeline
            for job in pipeline.jobs.values():
                if job.downstream is not None:
                    open_ends.append((f"{name}/{job.name}" if name else job.name, job.downstream))

    def happen(self, step: Step) -> Iterator[str]:
        """Let the step's event happen, and yield what GitLab refuses."""
        if step.event is Event.WAIT:
            actions.pass_time(self.instance, step.seconds)
        elif step.event is Event.START:
            assert step.pipeline is not None
            known = _known(step.pipeline, self.scenario.pipelines, "pipeline of this scenario")
            self.start(step.pipeline.name, known)
        else:
            pipelines = dict(self.named())
            pipeline = pipelines[MAIN] if step.pipeline is None else _known(step.pipeline, pipelines, "pipeline")
            if step.jobs is None:
                events.on_pipeline(self.instance, pipeline, step)
            else:
                jobs = [_known(name, pipeline.jobs, "job in the pipeline") for name in step.jobs]
                yield from events.on_jobs(self.instance, jobs, step)


def _known(named: Named, items: Mapping[str, _T], what: str) -> _T:
    if named.name in items:
        return items[named.name]
    names = [name for name in items if name]
    shown = ", ".join(f"'{name}'" for name in get_close_matches(named.name, names) or names[:10])
    message = f"there is no {what} named '{named.name}'{shown and f'; did you mean {shown}?'}"
    raise InvalidInput([Finding(rule="scenario-name", message=message, position=named.position)])


def _statuses(pipeline: Pipeline) -> Statuses:
    return Statuses(
        pipeline=pipeline.status.value,
        stages={stage.name: stage.status.value for stage in pipeline.stages},
        jobs={job.name: job.status.value for job in pipeline.jobs.values()},
    )


def _compare(item: Expected, statuses: Mapping[str, Statuses]) -> Iterator[Difference]:
    actual = _actual(item, statuses.get(item.pipeline))
    if actual != item.status.value:
        yield Difference(
            pipeline=item.pipeline,
            kind=item.kind,
            name=item.name,
            expected=item.status.value,
            actual=actual,
            position=item.position,
        )


def _actual(item: Expected, statuses: Statuses | None) -> str | None:
    if statuses is None:
        return None
    if item.kind == "pipeline":
        return statuses.pipeline
    return (statuses.stages if item.kind == "stage" else statuses.jobs).get(item.name)


def _said(step: Step) -> str:
    if step.event is None:
        return "at the start"
    names = " ".join(named.name for named in step.jobs or ())
    return f"after {step.event.value} {names}".rstrip()
