"""Build files to projects: what each folder is called in its language, and which other folders it needs.

What is broken or unusual says nothing; the user's own build tool is there to complain about it.
"""

from __future__ import annotations

import configparser
import json
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcci.config.choices import Stack
from mcci.config.discover.tree import BUILD_FILES, folder_of, joined

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcci.config.discover.tree import Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A folder with a build file: `names` it goes by, `needs` by name, `folders` it needs by path from the root.

    `parent` holds others and makes nothing itself: a Maven parent, a workspace's root.
    """

    folder: str
    stack: Stack
    names: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    parent: bool = False


def find_projects(tree: Tree) -> dict[str, Project]:
    """Return the projects, folder → project. In a folder with several build files the first of `BUILD_FILES` leads."""
    found: dict[str, Project] = {}
    for name in BUILD_FILES:
        for path, text in tree.named(name).items():
            project = _READERS[name](folder_of(path), text)
            first = found.get(project.folder)
            if first is None:
                found[project.folder] = project
            elif first.stack is project.stack:
                found[project.folder] = _joined(first, project)
    return dict(sorted(found.items()))


def needed_folders(folder: str, projects: dict[str, Project]) -> list[str]:
    """Return the folders, of projects in `projects`, that the project in `folder` needs, directly or through others."""
    owners = {(each.stack, name): each.folder for each in projects.values() for name in each.names}
    found: list[str] = []
    waiting = [folder]
    while waiting:
        project = projects.get(waiting.pop(0))
        if project is None:
            continue
        named = [owners.get((project.stack, name)) for name in sorted(project.needs)]
        for each in [*named, *sorted(project.folders & projects.keys())]:
            if each is not None and each != folder and each not in found:
                found.append(each)
                waiting.append(each)
    return sorted(found)


def _joined(first: Project, second: Project) -> Project:
    return Project(
        folder=first.folder,
        stack=first.stack,
        names=first.names | second.names,
        needs=first.needs | second.needs,
        folders=first.folders | second.folders,
        parent=first.parent,
    )


def _pyproject(folder: str, text: str) -> Project:
    try:
        data: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        data = {}
    project, poetry = _table(data, "project"), _table(_table(data, "tool"), "poetry")
    names = {_python_name(str(each["name"])) for each in (project, poetry) if "name" in each}
    declared = project.get("dependencies")
    listed = [str(each) for each in declared] if isinstance(declared, list) else []
    paths = {
        joined(folder, str(each["path"]))
        for table in (_table(poetry, "dependencies"), _table(_table(_table(data, "tool"), "uv"), "sources"))
        for each in table.values()
        if isinstance(each, dict) and "path" in each
    }
    needs = {_python_name(each) for each in listed} | {_python_name(each) for each in _table(poetry, "dependencies")}
    return Project(
        folder=folder,
        stack=Stack.PYTHON,
        names=frozenset(names),
        needs=frozenset(needs),
        folders=frozenset(paths),
    )


def _setup_cfg(folder: str, text: str) -> Project:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return Project(folder=folder, stack=Stack.PYTHON)
    name = parser.get("metadata", "name", fallback="")
    needs = parser.get("options", "install_requires", fallback="").splitlines()
    return Project(
        folder=folder,
        stack=Stack.PYTHON,
        names=frozenset([_python_name(name)] if name else []),
        needs=frozenset(_python_name(each) for each in needs if each.strip()),
    )


def _setup_py(folder: str, _text: str) -> Project:
    return Project(folder=folder, stack=Stack.PYTHON)


def _requirements(folder: str, text: str) -> Project:
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    paths = {_local(line) for line in lines} - {""}
    return Project(
        folder=folder,
        stack=Stack.PYTHON,
        needs=frozenset(_python_name(line) for line in lines if line and not line.startswith(("-", "."))),
        folders=frozenset(joined(folder, path) for path in paths),
    )


def _local(line: str) -> str:
    """Return the path in a line of requirements.txt that names one: `-e ../common`, `./lib`, `x @ file:../common`."""
    line = re.sub(r"^(-e|--editable)[ =]\s*", "", line)
    match = re.search(r"(?:^|@\s*)(?:file:(?://)?)?(\.{1,2}/[^\s;\[]*|\.\.)", line)
    return match.group(1) if match else ""


def _pom(folder: str, text: str) -> Project:
    text = re.sub(r"(?s)<!--.*?-->", "", text)
    dependencies = re.findall(r"(?s)<dependency>(.*?)</dependency>", text)
    needs = {name for each in dependencies for name in re.findall(r"<artifactId>\s*([^<\s]+)", each)}
    parent = re.search(r"(?s)<parent>(.*?)</parent>", text)
    if parent:
        needs |= set(re.findall(r"<artifactId>\s*([^<\s]+)", parent.group(1)))
    blocks = "parent|dependencies|dependencyManagement|build|profiles|reporting|properties"
    own = re.sub(rf"(?s)<({blocks})>.*?</\1>", "", text)
    return Project(
        folder=folder,
        stack=Stack.MAVEN,
        names=frozenset(re.findall(r"<artifactId>\s*([^<\s]+)", own)[:1]),
        needs=frozenset(needs),
        parent="<modules>" in own or bool(re.search(r"<packaging>\s*pom\s*<", own)),
    )


def _package(folder: str, text: str) -> Project:
    try:
        data = json.loads(text)
    except ValueError:
        data = {}
    data = data if isinstance(data, dict) else {}
    needs = {**_table(data, "devDependencies"), **_table(data, "dependencies")}
    paths = [str(each).removeprefix("file:").removeprefix("link:") for each in needs.values()]
    return Project(
        folder=folder,
        stack=Stack.NODE,
        names=frozenset([str(data["name"])] if "name" in data else []),
        needs=frozenset(needs),
        folders=frozenset(joined(folder, path) for path in paths if path.startswith(".")),
        parent="workspaces" in data,
    )


def _go(folder: str, text: str) -> Project:
    text = re.sub(r"//[^\n]*", "", text)
    module = re.search(r"(?m)^module\s+(\S+)", text)
    replaced = re.findall(r"=>\s*(\.{1,2}/\S*)", text)
    return Project(
        folder=folder,
        stack=Stack.GO,
        names=frozenset([module.group(1)] if module else []),
        needs=frozenset(re.findall(r"(?m)^\s*(?:require\s+)?([\w.-]+(?:/[\w.~-]+)*)\s+v\S+", text)),
        folders=frozenset(joined(folder, path) for path in replaced),
    )


def _python_name(requirement: str) -> str:
    """Return a requirement's project name as PyPI normalizes it."""
    name: Iterable[str] = re.findall(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)", requirement)
    return re.sub(r"[-_.]+", "-", "".join(name)).lower()


def _table(data: Any, name: str) -> dict[str, Any]:
    value = data.get(name) if isinstance(data, dict) else None
    return value if isinstance(value, dict) else {}


_READERS = {
    "pom.xml": _pom,
    "go.mod": _go,
    "pyproject.toml": _pyproject,
    "setup.cfg": _setup_cfg,
    "setup.py": _setup_py,
    "requirements.txt": _requirements,
    "package.json": _package,
}
