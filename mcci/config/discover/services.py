"""A repository's Dockerfiles and build files to its services.

A Dockerfile makes a service. Only in a repository that has none do build files make services.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mcci.config import forms
from mcci.config.choices import Stack
from mcci.config.discover.dockerfiles import Dockerfile, parse
from mcci.config.discover.found import Checkout, FoundService
from mcci.config.discover.projects import Project, find_projects, needed_folders
from mcci.config.discover.tree import Tree, folder_of, joined, slug
from mcci.config.scalars import check_form

if TYPE_CHECKING:
    from collections.abc import Iterable

_HELPERS = frozenset(["dev", "development", "test", "tests", "ci", "debug", "local", "builder", "base", "lint"])
_RELEASES = frozenset(("prod", "production", "release"))
_DOCKER_FOLDERS = frozenset(("docker", "container", "containers", "deploy", "deployment", ".docker"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a service lives: its name, its folder, its Dockerfile from there."""

    name: str
    folder: str
    dockerfile: str
    text: str


def find_services(tree: Tree, checkout: Checkout) -> tuple[FoundService, ...]:
    """Return the services in the order of their folders; never none."""
    application = application_name(checkout)
    projects = find_projects(tree)
    places = _distinct(_places(tree, application))
    if places:
        names = {place.folder: place.name for place in places}
        return _without_cycles([_service(place, tree, projects, names) for place in places])
    made = [_undockered(project, projects, application) for project in _leading(projects)]
    note = "neither a Dockerfile nor a build file was found: describe your services here"
    return _without_cycles(made) or (FoundService(name=application, folder=".", stack=Stack.DOCKERFILE, notes=(note,)),)


def application_name(checkout: Checkout) -> str:
    """Return the application's name: the remote project's, else the folder's."""
    project = re.split(r"[/:]", checkout.remote.rstrip("/"))[-1].removesuffix(".git")
    return slug(project) or slug(checkout.folder) or "application"


def _places(tree: Tree, application: str) -> list[_Place]:
    found = []
    for path, text in tree.dockerfiles().items():
        folder, name = folder_of(path), posixpath.basename(path)
        variant = _variant(name)
        if variant in _HELPERS or (variant in _RELEASES and joined(folder, "Dockerfile") in tree.texts):
            continue
        if variant and variant not in _RELEASES:
            nearby = (joined(folder, variant), joined(folder, f"../{variant}"), variant)
            home = next((each for each in nearby if not each.startswith("..") and tree.has_folder(each)), folder)
            called = variant
        else:
            home = folder_of(folder) if posixpath.basename(folder) in _DOCKER_FOLDERS else folder
            called = application if home == "." else posixpath.basename(home)
        place = _Place(name=slug(called) or "service", folder=home, dockerfile=posixpath.relpath(path, home), text=text)
        found.append(place)
    return sorted(found, key=lambda place: (place.folder, place.dockerfile))


def _variant(name: str) -> str:
    """Return what sets a Dockerfile apart in its folder: `web` in `Dockerfile.web` and `web.Dockerfile`."""
    match = re.fullmatch(r"(?i)(?:(?:docker|container)file\.([\w.-]+)|([\w.-]+)\.(?:docker|container)file)", name)
    return (match.group(1) or match.group(2)).lower() if match else ""


def _distinct(places: Iterable[_Place]) -> list[_Place]:
    """Give places of one name longer ones: `eu-web` and `us-web`, then `web`, `web-2`."""
    places = list(places)
    clashes = {name for name, count in Counter(place.name for place in places).items() if count > 1}
    result: list[_Place] = []
    for place in places:
        longer = slug("-".join(place.folder.split("/")[-2:]), 36)
        base = (longer if place.name in clashes else place.name) or place.name
        taken = {each.name for each in result}
        number = 2
        name = base
        while name in taken:
            name, number = f"{base[:36]}-{number}", number + 1
        result.append(replace(place, name=name))
    return result


def _service(place: _Place, tree: Tree, projects: dict[str, Project], names: dict[str, str]) -> FoundService:
    dockerfile = parse(place.text)
    project = projects.get(place.folder)
    context = _context(place, dockerfile, tree)
    compiled = project is not None and not project.parent and not dockerfile.compiles(project.stack)
    folders = needed_folders(place.folder, projects) if project else []
    if context == ".":
        folders += [copy for each in dockerfile.copies if tree.has_folder(copy := posixpath.normpath(each))]
    return FoundService(
        name=place.name,
        folder=place.folder,
        stack=project.stack if project and compiled else Stack.DOCKERFILE,
        dockerfile=place.dockerfile,
        context=context,
        ports=dockerfile.ports,
        health=dockerfile.health,
        depends_on=_depends_on(place.folder, folders, names),
        notes=tuple(_notes(place, dockerfile, context)),
    )


def _notes(place: _Place, dockerfile: Dockerfile, context: str) -> Iterable[str]:
    if not dockerfile.ports:
        yield "its Dockerfile has no EXPOSE: is the port 8080?"
    if context == "." and place.folder != "." and "." in dockerfile.copies:
        yield "its Dockerfile copies the whole repository: what does it need? (depends_on)"


def _context(place: _Place, dockerfile: Dockerfile, tree: Tree) -> str:
    """Return `.` when the Dockerfile copies what only the repository's root has; else nothing."""
    if place.folder == ".":
        return ""
    sources = [source.split("*")[0].strip("/") for source in dockerfile.copies]

    def has(folder: str, source: str) -> bool:
        path = joined(folder, source)
        return path in tree.paths or tree.has_folder(path)

    return "." if any(has(".", each) and not has(place.folder, each) for each in sources if each) else ""


def _depends_on(folder: str, folders: Iterable[str], names: dict[str, str]) -> tuple[str, ...]:
    """Return the folders as `depends_on` has them: a service's by its name, any other as a path with a slash."""
    outside = [each for each in folders if not _holds(folder, each) and not _holds(each, folder)]
    outside = [each for each in outside if not check_form(f"{each}/", forms.PATH) and not each.startswith("..")]
    return tuple(dict.fromkeys(names.get(each, f"{each}/") for each in outside))


def _holds(outer: str, inner: str) -> bool:
    return outer in (".", inner) or inner.startswith(f"{outer}/")


def _leading(projects: dict[str, Project]) -> list[Project]:
    """Return the projects that no other one needs: what is left is what runs."""
    needed = {each for folder in projects for each in needed_folders(folder, projects)}
    found = [each for each in projects.values() if not each.parent and each.folder not in needed]
    return [each for each in found if each.folder != "."] or found


def _undockered(project: Project, projects: dict[str, Project], application: str) -> FoundService:
    name = application if project.folder == "." else slug(posixpath.basename(project.folder)) or "service"
    return FoundService(
        name=name,
        folder=project.folder,
        stack=project.stack,
        depends_on=_depends_on(project.folder, needed_folders(project.folder, projects), {}),
        notes=("it has no Dockerfile yet",),
    )


def _without_cycles(services: Iterable[FoundService]) -> tuple[FoundService, ...]:
    """Return the services with names of their own, and no service depending on one that depends on it."""
    found: dict[str, FoundService] = {}
    for service in services:
        found.setdefault(service.name, service)
    needs = {name: [each for each in service.depends_on if each in found] for name, service in found.items()}

    def reaches(start: str, goal: str, seen: frozenset[str] = frozenset()) -> bool:
        return start == goal or any(reaches(each, goal, seen | {start}) for each in needs[start] if each not in seen)

    for name, service in list(found.items()):
        kept = tuple(each for each in service.depends_on if each not in found or not reaches(each, name))
        needs[name] = [each for each in kept if each in found]
        found[name] = replace(service, depends_on=kept)
    return tuple(found.values())
