"""Where `mcci check` looks: files by name, branches in folders, this checkout, or what mcci.yml generates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcci.check.subject import Context, Subject
    from mcci.config.model import Config
    from mcci.findings import Position
    from mcci.pipeline.files import Files
    from mcci.pipeline.generate import Generated

PARENT = ".gitlab-ci.yml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One set of files that belong together: a checkout, or one branch. `asked_for` limits what is shown."""

    files: Files
    entries: tuple[str, ...]
    root: Path
    repository: Path
    context: Context
    asked_for: frozenset[str] | None = None
    shared: Mapping[str, Mapping[str, str]] | None = None

    def collect(self) -> Subject:
        """Read everything."""
        from mcci.check.collect import collect

        return collect(self.files, self.entries, self.context, self.shared)

    def asked(self, file: str) -> bool:
        """Say whether findings in `file` are wanted."""
        return self.asked_for is None or file in self.asked_for

    def shown(self, file: str, format_: str) -> str:
        """Return a file's path as the reader needs it: from here, or for GitLab and scanners from the repository."""
        from os.path import relpath

        causes = {position.file for position in self.context.causes.values()}
        path = Path(file).absolute() if file in causes else (self.root / file).absolute()
        start = self.repository if format_ in ("sarif", "gitlab") else Path.cwd()
        return Path(relpath(path, start)).as_posix()


def scopes(files: tuple[Path, ...], config: Path, branches: Path | None) -> list[Scope]:
    """Return what to check: FILEs, the folders below `branches`, this checkout, or what `config` generates."""
    if files:
        return [_files_scope(files)]
    if branches is None and not config.is_file() and not (Path.cwd() / PARENT).is_file():
        raise UsageError(f"there is no {PARENT} and no {config} here. Give the files to check: mcci check FILE…")
    model, generated = _generated(config)
    context = _context(config.parent, model, generated)
    if branches is not None:
        return _branch_scopes(branches, context)
    if (config.parent / PARENT).is_file() or generated is None:
        return [_disk_scope(config.parent, context)]
    return _generated_scopes(config.parent, generated, context)


def _files_scope(files: tuple[Path, ...]) -> Scope:
    """Return the scope of files given by name; a parent that includes them helps to understand them."""
    from mcci.check.collect import collect
    from mcci.clients.files import read
    from mcci.simulation.checkout import FolderFiles

    for path in files:
        read(path)
    root = _project_folder(files[0].absolute().parent)
    if not all(path.absolute().resolve().is_relative_to(root.resolve()) for path in files):
        root = Path(files[0].absolute().anchor)
    names = tuple(dict.fromkeys(path.absolute().resolve().relative_to(root.resolve()).as_posix() for path in files))
    disk = FolderFiles(root)
    entries = names
    if PARENT not in names and (root / PARENT).is_file():
        parent = collect(disk, [PARENT])
        entries = (PARENT, *names) if {file.name for file in parent.files} & set(names) else names
    return Scope(
        files=disk,
        entries=entries,
        root=root,
        repository=root,
        context=_context(root, None, None),
        asked_for=frozenset(names) if entries != names else None,
    )


def _disk_scope(root: Path, context: Context) -> Scope:
    from mcci.simulation.checkout import FolderFiles

    return Scope(files=FolderFiles(root), entries=(PARENT,), root=root, repository=_top(root), context=context)


def _branch_scopes(folder: Path, context: Context) -> list[Scope]:
    """Return a scope for each branch in `folder`, and one that compares what they share."""
    from mcci.check.rules.parents_differ import SHARED
    from mcci.pipeline.files import MemoryFiles
    from mcci.simulation.checkout import FolderFiles

    found = sorted(path.parent for path in folder.rglob(PARENT)) if folder.is_dir() else []
    roots = [root for root in found if not any(other in root.parents for other in found)]
    if not roots:
        raise UsageError(f"{folder} has no folder with a {PARENT}: 'mcci generate --all --output DIR' writes them.")
    names = tuple(root.relative_to(folder).as_posix() for root in roots)
    default = context.default_branch if context.default_branch in names else "master" if "master" in names else "main"
    context = replace(context, branches=names, default_branch=default, checkout=("--branches", str(folder)))
    shared = {}
    for root in roots:
        texts = {name: FolderFiles(root).read(name) for name in SHARED}
        shared[root.relative_to(folder).as_posix()] = {name: text for name, text in texts.items() if text is not None}
    repository = _top(folder)
    comparing = Scope(
        files=MemoryFiles({}), entries=(), root=folder, repository=repository, context=context, shared=shared
    )
    scopes = (_disk_scope(root, replace(context, branch=name)) for root, name in zip(roots, names, strict=True))
    return [*(replace(scope, repository=repository) for scope in scopes), comparing]


def _generated_scopes(root: Path, generated: Generated, context: Context) -> list[Scope]:
    from mcci.pipeline.files import MemoryFiles
    from mcci.simulation.checkout import FolderFiles

    top = _top(root)
    return [
        Scope(
            files=Overlay(MemoryFiles(texts), FolderFiles(root)),
            entries=(PARENT,),
            root=root,
            repository=top,
            context=replace(context, branch=branch, branches=tuple(generated.files), checkout=("--branches", "DIR")),
        )
        for branch, texts in generated.files.items()
    ]


def _generated(config: Path) -> tuple[Config | None, Generated | None]:
    """Return the configuration and what it generates; nothing where there is no mcci.yml."""
    from mcci.commands.generate import load

    return load(config) if config.is_file() else (None, None)


def _context(root: Path, model: Config | None, generated: Generated | None) -> Context:
    from mcci.check.subject import Context

    secrets = {name for service in model.services.values() for name in service.build_secrets} if model else set()
    causes: Mapping[tuple[str, str], Position] = generated.causes if generated else {}
    here = root.resolve() == Path.cwd().resolve()
    return Context(
        causes=causes,
        secrets=frozenset(secrets),
        project=_project(root),
        default_branch=model.branches.default if model else "main",
        checkout=() if here else ("--directory", str(root)),
    )


def _project(root: Path) -> str:
    """Return the project's path on GitLab as the checkout's remote names it; nothing where it is not known."""
    import re

    from mcci.clients import repository

    try:
        url = repository.remote(root) or ""
    except UsageError:
        return ""
    found = re.match(r"(?:\w+://[^/]+/|[\w.-]+@[\w.-]+:)(.+?)(?:\.git)?/?$", url)
    return found[1] if found else ""


def _project_folder(folder: Path) -> Path:
    """Return the folder that paths in CI files start from: the nearest one with a parent file, or the checkout's."""
    top = _top(folder)
    return next((each for each in (folder, *folder.parents) if (each / PARENT).is_file() or each == top), top)


def _top(folder: Path) -> Path:
    """Return the top folder of the checkout that holds `folder`, or the current one where there is none."""
    folder = folder.absolute()
    for each in (folder, *folder.parents):
        if (each / ".git").exists():
            return each
    return Path.cwd() if folder.is_relative_to(Path.cwd()) else folder


@dataclass(frozen=True, slots=True)
class Overlay:
    """Files that are about to be written, over those that are there."""

    upper: Files
    lower: Files

    def read(self, path: str) -> str | None:
        """Return the text that will be there."""
        text = self.upper.read(path)
        return self.lower.read(path) if text is None else text

    def paths(self) -> Iterable[str]:
        """Return the paths of both."""
        return sorted({*self.upper.paths(), *self.lower.paths()})
