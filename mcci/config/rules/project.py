"""Rules for the project: branches, files, GitLab, stages, the registry, the runners."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.config.keys import Version
from mcci.config.model import STAGES, Layout
from mcci.config.rules import distinct, outside, problem, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcci.config.model import Config
    from mcci.findings import Finding

OLDEST_GITLAB = Version(17, 0)


def branches(config: Config) -> Iterator[Finding]:
    """Three branches have three names."""
    if config.layout is Layout.THREE_BRANCH:
        names = {name: getattr(config.branches, name) for name in ("default", "development", "deployment")}
        yield from distinct(names, {name: config.branches.marks.of(name) for name in names}, "branch")


def files(config: Config) -> Iterator[Finding]:
    """Three generated files have three names, inside the repository, and none is included by hand as well."""
    marks = config.files.marks
    names = {name: getattr(config.files, name) for name in ("parent", "develop", "deploy")}
    yield from distinct(names, {name: marks.of(name) for name in names}, "file")
    for name, path in names.items():
        yield from outside(path, marks.of(name))
    for number, path in enumerate(config.include):
        if path in names.values():
            message = f"'{path}' is generated; only hand-written files are included."
            yield problem("include", message, config.marks.item("include", number))


def gitlab(config: Config) -> Iterator[Finding]:
    """GitLab is one that mcci writes for."""
    if config.gitlab.version < OLDEST_GITLAB:
        message = f"GitLab {config.gitlab.version} is older than {OLDEST_GITLAB}, the oldest that mcci writes for."
        yield problem("gitlab-version", message, config.gitlab.marks.of("version"))


def stages(config: Config) -> Iterator[Finding]:
    """Stages that get another name exist, and no two stages have one name."""
    known = [*STAGES, *config.environments]
    for name in config.stages:
        if name not in known:
            yield unknown("stage", name, known, config.marks.item("stages", name))
    for name in config.environments:
        if name in STAGES:
            message = f"an environment cannot be called '{name}': a stage of the pipelines has that name."
            yield problem("name", message, config.marks.item("environments", name))
    names = {name: config.stages.get(name, name) for name in known}
    yield from distinct(names, {name: config.marks.item("stages", name) for name in names}, "stage")


def registry(config: Config) -> Iterator[Finding]:
    """Candidates are kept apart from what has been tested."""
    release = f"{config.registry.host}/{config.registry.namespace or config.application}"
    if f"{config.registry.candidates.rstrip('/')}/".startswith(f"{release}/"):
        message = f"candidates would be pushed to the release registry ({release}), where only tested images belong."
        position = config.registry.marks.of("candidates")
        yield problem("candidates", message, position, "Name another registry or namespace.")


def runner(config: Config) -> Iterator[Finding]:
    """Time limits are for stages that exist."""
    known = [*STAGES, *config.environments]
    for name in config.runner.timeouts:
        if name not in known:
            yield unknown("stage", name, known, config.runner.marks.item("timeouts", name))


def folders(config: Config) -> Iterator[Finding]:
    """The project's own files lie in the repository."""
    for name in ("templates", "charts"):
        yield from outside(getattr(config, name), config.marks.of(name))
    for number, path in enumerate(config.include):
        yield from outside(path, config.marks.item("include", number))
