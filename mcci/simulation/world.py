"""What the rules of one pipeline can see: the files that changed, and the files there are."""

from __future__ import annotations

from functools import cached_property

from mcci.pipeline.files import Files, Sources
from mcci.pipeline.rules import RuleError
from mcci.simulation.events import Event, Project, Source

ANY_REF = "*"
_KNOWS_CHANGES = (Source.PUSH, Source.MERGE_REQUEST, Source.EXTERNAL_PULL_REQUEST, Source.PARENT_PIPELINE)


class EventWorld:
    """The world of an event in a project; `files` is the checkout that the pipeline runs on."""

    def __init__(self, project: Project, event: Event, files: Files) -> None:
        self.project = project
        self.event = event
        self.files = files

    def changed_paths(self, compare_to: str | None) -> tuple[str, ...] | None:
        """Return the changed files; see `mcci.pipeline.rules.World`."""
        if compare_to is None:
            known = self.event.source in _KNOWS_CHANGES and not self.event.tag
            return self.event.changes if known else None
        ref = compare_to.removeprefix("refs/heads/").removeprefix("refs/tags/")
        if ref in self.event.compared:
            return self.event.compared[ref]
        if ref == self.event.ref and self.event.merge_request is None:
            return ()
        if self.project.files(ref) is None and not _looks_like_commit(ref):
            raise RuleError(f"rules:changes:compare_to is not a valid ref: '{compare_to}'")
        return self.event.compared.get(ANY_REF, self.event.changes)

    def existing_paths(self, project: str | None, ref: str | None) -> tuple[str, ...]:
        """Return the files there are; see `mcci.pipeline.rules.World`."""
        if project is None:
            return self._paths
        other = self.project if project == self.project.path else self.project.projects.get(project)
        if other is None:
            raise RuleError(f"rules:exists:project '{project}' is not at hand offline; give a folder with its checkout")
        files = other.files(ref or other.default_branch)
        if files is None:
            raise RuleError(f"rules:exists:ref '{ref}' is not a valid ref in project '{project}'")
        return tuple(files.paths())

    @cached_property
    def _paths(self) -> tuple[str, ...]:
        return tuple(self.files.paths())

    def sources(self) -> Sources:
        """Return everything that this pipeline's includes may name."""
        others = {
            path: files
            for path, project in self.project.projects.items()
            if (files := project.files(project.default_branch)) is not None
        }
        return Sources(
            local=self.files,
            projects={self.project.path: self.files, **others},
            templates=self.project.templates,
            remote=self.project.remote,
            components=self.project.components,
        )


def _looks_like_commit(ref: str) -> bool:
    return len(ref) >= 7 and all(character in "0123456789abcdef" for character in ref)
