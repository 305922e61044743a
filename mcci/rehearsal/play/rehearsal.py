"""A scenario from beginning to end: all it needs is started, its steps are taken, and nothing is left running."""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mcci.errors import McciError
from mcci.rehearsal.gitlab.server import Server
from mcci.rehearsal.gitlab.site import Site
from mcci.rehearsal.play.project import Checkout, copy
from mcci.rehearsal.play.stage import Interrupted, Lab, Stage, people
from mcci.rehearsal.play.steps import STEPS
from mcci.rehearsal.runner.containers import Images
from mcci.rehearsal.runner.executor import Shell
from mcci.rehearsal.runner.runner import Runner
from mcci.simulation.events import ProjectVariable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.routing import BaseRoute

    from mcci.config.model import Config
    from mcci.rehearsal.runner.executor import Executor
    from mcci.rehearsal.runner.job import RunnerJob
    from mcci.rehearsal.scenario.model import Scenario, Step

# mcci and Helm are where the rehearsal runs: its jobs need not fetch them
OWN: Mapping[str, object] = {"runner": {"install": [], "helm": [], "tags": []}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A step that was taken: when it began, how long it took, what it said, or why it failed."""

    step: Step
    began: float
    seconds: float
    said: str = ""
    error: str = ""


@dataclass(slots=True, kw_only=True)
class Result:
    """What came of a rehearsal. `stage` is as it was at the end, for a report."""

    scenario: Scenario
    stage: Stage | None = None
    steps: list[Taken] = field(default_factory=list)
    seconds: float = 0.0
    error: str = ""

    @property
    def passed(self) -> bool:
        """Whether every step went as the scenario says."""
        return not self.error


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a rehearsal is played."""

    folder: Path
    jobs: int = 2
    port: int = 0
    routes: Callable[[Site], Sequence[BaseRoute]] = lambda _: ()
    served: Callable[[Site], None] = lambda _: None
    lab: Callable[[Config, Path, Mapping[str, object]], Lab] | None = None
    stay: Callable[[Stage], None] = lambda _: None
    shell: bool = False  # jobs run in a shell of this machine, whatever image they want


def rehearse(result: Result, options: Options, tell: Callable[[str], None]) -> None:
    """Play the scenario of `result`, and write down there what comes of it, up to where somebody stops it.

    `tell` hears how it goes. Raises `McciError` where it cannot begin: a configuration with errors, a part of the lab
    that does not start.
    """
    scenario, begun = result.scenario, time.monotonic()
    with ExitStack() as stack:
        stage = _begin(scenario, options, stack, tell)
        result.stage = stage
        try:
            for step in scenario.steps:
                result.steps.append(_take(step, stage, tell))
                if result.steps[-1].error:
                    result.error = f"{step.position}: {step.title}: {result.steps[-1].error}"
                    break
            options.stay(stage)
        except KeyboardInterrupt:
            stage.stopped.set()
            result.error = "interrupted"
            raise
        finally:
            result.seconds = time.monotonic() - begun


def _begin(scenario: Scenario, options: Options, stack: ExitStack, tell: Callable[[str], None]) -> Stage:
    options.folder.mkdir(parents=True, exist_ok=True)
    lab: Lab | None = None
    folder, overlay = options.folder / "checkout", _joined(OWN, scenario.config)
    config = copy(scenario.project, folder, overlay, scenario.services)
    if scenario.lab is not None and options.lab is not None:
        tell("the lab starts")
        lab = options.lab(config, options.folder / "lab", scenario.lab)
        stack.callback(lab.stop)
        config = copy(scenario.project, folder, _joined(overlay, lab.overlay()), scenario.services)
    users = people()
    site = Site(
        options.folder / "gitlab", path=f"rehearsal/{config.application}", users=users,
        default_branch=config.branches.default,
    )  # fmt: skip
    for name, given in scenario.variables.items():
        site.settings.variables.append(ProjectVariable(key=name, **given))
    for name, value in (lab.variables() if lab else {}).items():
        site.settings.variables.append(ProjectVariable(key=name, value=value, masked=_is_secret(name)))
    stack.enter_context(Server(site, port=options.port, more=options.routes(site)))
    tell(f"the local GitLab is at {site.url}")
    options.served(site)
    checkout = Checkout(folder, site, users[0])
    site.quiet = True
    checkout.publish(config)
    site.quiet = False
    stack.enter_context(_runner(site, config, options))
    return Stage(site, checkout, seconds=scenario.seconds, lab=lab)


def _runner(site: Site, config: Config, options: Options) -> Runner:
    """Return the runner: jobs that call mcci run in a shell, where it is; others in their images, where it has them."""
    images = Images(here={config.runner.image})

    def executor(job: RunnerJob) -> Executor:
        shell = Shell(_machine())
        return shell if options.shell else images.executor(job, shell)

    return Runner(
        options.folder / "runner", url=site.url, token=site.settings.runner_token, jobs=options.jobs,
        executor=executor, end_left=images.end_left,
    )  # fmt: skip


def _take(step: Step, stage: Stage, tell: Callable[[str], None]) -> Taken:
    began, clock = time.time(), time.monotonic()
    said = error = ""
    try:
        said = STEPS[step.action](stage, step.settings)
    except Interrupted:
        raise
    except McciError as problem:
        error = str(problem)
    taken = Taken(step=step, began=began, seconds=time.monotonic() - clock, said=said, error=error)
    tell(f"{'✗' if error else '✓'} {step.title}  {error or said}  {taken.seconds:.1f} s")
    return taken


def _joined(one: Mapping[str, object], other: Mapping[str, object]) -> dict[str, object]:
    found = dict(one)
    for key, value in other.items():
        old = found.get(key)
        found[key] = _joined(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return found


def _machine() -> dict[str, str]:
    """Return what jobs know of this machine: the mcci that plays them is the one that they call."""
    programs = Path(sys.executable).parent
    return {"PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"}


def _is_secret(name: str) -> bool:
    return any(word in name for word in ("PASSWORD", "TOKEN", "KEY"))
