"""Where configuration files are read from. The core asks a `Files`; a folder, a git revision or a dict may answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol


class Files(Protocol):
    """The files of one checkout, by path relative to its root, with `/` between folders."""

    def read(self, path: str) -> str | None:
        """Return a file's text, or None when there is no such file. Raises `InvalidInput` for one that is no text."""

    def paths(self) -> Iterable[str]:
        """Return the paths of all files, sorted."""


class MemoryFiles:
    """Files held in a dict."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = texts

    def read(self, path: str) -> str | None:
        return self.texts.get(path)

    def paths(self) -> Iterable[str]:
        return sorted(self.texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Everything an include may name that is at hand.

    `projects` maps a project's path (or `path@ref`) to its files; `templates` has GitLab's templates by name; `remote`
    has files by their URL; `components` maps a component's project (`host/group/project` or `group/project`) to files.
    """

    local: Files
    projects: Mapping[str, Files] = field(default_factory=dict)
    templates: Files | None = None
    remote: Files | None = None
    components: Mapping[str, Files] = field(default_factory=dict)

    def project(self, path: str, ref: str | None) -> Files | None:
        """Return the files of a project at a ref, or those given for the project whatever the ref."""
        path = path.strip("/")
        return (self.projects.get(f"{path}@{ref}") if ref else None) or self.projects.get(path)
