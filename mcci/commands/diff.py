"""`mcci diff REV`: two versions of the pipelines compared by what would run, as a merge-request comment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mcci import output
from mcci.cli import config_option, format_option
from mcci.commands.event_options import EVENTS, EventCommand, event_of, event_options, project_of
from mcci.errors import ExitCode, InvalidInput, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.clients.git import Repository
    from mcci.simulation.events import Project


@click.command(cls=EventCommand, name="diff")
@click.argument("revision", metavar="REV")
@click.argument("event", type=click.Choice(list(EVENTS)), required=False)
@event_options
@config_option
@format_option()
def command(revision: str, event: str | None, config: Path, format_: str, **options: Any) -> int:
    """Compare the pipelines as they are with those of the commit REV, by the jobs that would run.

    With an mcci.yml the pipelines that it generates are compared, for every branch; without one, or with --directory,
    the .gitlab-ci.yml and what it includes. Without EVENT all usual events are compared. The text is Markdown.

    \b
      mcci diff origin/main
      mcci diff HEAD~1 merge-request --source feature --target main
    """
    from mcci.simulation import diff

    generated = config.is_file() and options["directory"] is None and options["branches"] is None
    old, new, branches = _generated(revision, config) if generated else _checked_out(revision, options)
    events = [event_of(event, options, new)] if event else diff.usual_events(branches, new.default_branch)
    differences = diff.compare(old, new, events)
    if format_ == "json":
        output.json_document("diff", 1, diff.document(differences, revision))
    else:
        output.text(diff.markdown(differences, revision))
    return ExitCode.DONE


def _checked_out(revision: str, options: dict[str, Any]) -> tuple[Project, Project, list[str]]:
    if options["branches"] is not None:
        raise UsageError("diff compares one checkout: give --directory, not --branches")
    project = project_of(options)
    folder = (options["directory"] or Path()).resolve()
    repository, commit = _commit(folder, revision)
    prefix = folder.relative_to(repository.root.resolve()).as_posix()
    files = _RevisionFiles(repository, commit, "" if prefix == "." else f"{prefix}/")
    return replace(project, files=lambda _ref: files), project, [project.default_branch]


def _generated(revision: str, config: Path) -> tuple[Project, Project, list[str]]:
    from mcci.clients.repository import load_config
    from mcci.config.load import load

    repository, commit = _commit(config.resolve().parent, revision)
    path = config.resolve().relative_to(repository.root.resolve()).as_posix()
    entry = repository.files(commit, path).get(path)
    if entry is None:
        raise UsageError(f"{revision} has no {path}; with --directory the .gitlab-ci.yml of two versions are compared")
    texts = _texts(load_config(config), config)
    before = _texts(load(repository.content(entry.content), f"{revision}:{path}"), config)
    return _project(before), _project(texts), list(texts)


def _texts(model: Any, config: Path) -> Mapping[str, Mapping[str, str]]:
    """Return what a model generates: texts by branch and path."""
    from mcci.clients import job_templates
    from mcci.pipeline.generate import generate

    files: Mapping[str, Mapping[str, str]] = generate(model, job_templates.load(config.parent / model.templates)).files
    return files


def _project(texts: Mapping[str, Mapping[str, str]]) -> Project:
    from mcci.pipeline.files import MemoryFiles
    from mcci.simulation.events import Project

    branches = {branch: MemoryFiles(files) for branch, files in texts.items()}
    return Project(files=branches.get, default_branch=next(iter(texts), "main"))


def _commit(folder: Path, revision: str) -> tuple[Repository, str]:
    from mcci.clients import git, repository

    found = git.Repository(repository.root(folder))
    commit = found.commit_of(revision)
    if commit is None:
        raise UsageError(f"there is no commit '{revision}' here")
    return found, commit


class _RevisionFiles:
    """The files of one commit below a folder, read when asked for."""

    def __init__(self, repository: Repository, commit: str, prefix: str) -> None:
        self.repository = repository
        self.commit = commit
        self.prefix = prefix

    def read(self, path: str) -> str | None:
        """Return a file's text, or None when the commit has no such file. Raises `InvalidInput` for what is no text."""
        full = self.prefix + path.lstrip("/")
        entry = self.repository.files(self.commit, full).get(full)
        if entry is None:
            return None
        try:
            return self.repository.content(entry.content).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            from mcci.findings import Finding, Position

            message = f"the file is not UTF-8 text (byte {error.start + 1})"
            finding = Finding(rule="yaml-encoding", message=message, position=Position(file=path))
            raise InvalidInput([finding]) from error

    def paths(self) -> list[str]:
        """Return the paths of all files, sorted."""
        paths = self.repository.files(self.commit, self.prefix or ".")
        return sorted(path.removeprefix(self.prefix) for path in paths)
