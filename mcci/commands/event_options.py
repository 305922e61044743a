"""The options by which `simulate`, `explain`, `graph` and `diff` are told of an event and of the checkout to read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mcci.errors import UsageError
from mcci.simulation.checkout import FolderFiles, RemoteFiles, folder_per_branch, one_folder
from mcci.simulation.events import Event, MergeRequest, MergeRequestKind, Project, ProjectVariable, Source

EVENTS = {
    "push": Source.PUSH,
    "merge-request": Source.MERGE_REQUEST,
    "tag": Source.PUSH,
    "schedule": Source.SCHEDULE,
    "web": Source.WEB,
    "api": Source.API,
    "trigger": Source.TRIGGER,
    "pipeline": Source.PIPELINE,
    "parent-pipeline": Source.PARENT_PIPELINE,
}
DEFAULT_TAG = "v1.0.0"
_SEVERAL = {"--changes", "--variable", "--input", "--project-variable", "--protected", "--label", "--play", "--fail"}
_PAIRS = {"--variable", "--input", "--project-variable"}


class EventCommand(click.Command):
    """A command whose repeatable options also take several values at once: `--changes a.py b.py`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Write each further value of such an option as an option of its own."""
        spread: list[str] = []
        option, values = "", 0
        for arg in args:
            is_more = option and values and not arg.startswith("-") and arg not in EVENTS
            if is_more and (option not in _PAIRS or "=" in arg):
                spread.append(option)
            elif not (option and not values):
                option, values = (arg, 0) if arg in _SEVERAL else ("", 0)
                spread.append(arg)
                continue
            spread.append(arg)
            values += 1
        return super().parse_args(ctx, spread)


def event_options(function: Any) -> Any:
    """Add the options that describe the event and the project, all passed on as `**event`."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


_OPTIONS = (
    click.option("--branch", help="The branch pushed to, or that the pipeline runs on."),
    click.option("--tag", help="The tag, for the event `tag` (default: v1.0.0) or a pipeline on a tag."),
    click.option("--source", help="The source branch of a merge request."),
    click.option("--target", help="The target branch of a merge request."),
    click.option("--fork", metavar="PROJECT", help="The merge request comes from this fork."),
    click.option("--merged-result", is_flag=True, help="The merge request's pipeline runs on the merged result."),
    click.option("--draft", is_flag=True, help="The merge request is a draft."),
    click.option("--label", "labels", multiple=True, help="A label of the merge request."),
    click.option("--open-merge-request", is_flag=True, help="The branch pushed to has an open merge request."),
    click.option("--changes", multiple=True, metavar="FILE…", help="Files that changed. Left out: not known."),
    click.option("--no-changes", is_flag=True, help="No file changed."),
    click.option("--message", default="", help="The commit's message."),
    click.option("--variable", "variables", multiple=True, metavar="K=V…", help="A variable of the pipeline."),
    click.option("--input", "inputs", multiple=True, metavar="K=V…", help="An input of the pipeline."),
    click.option(
        "--project-variable",
        "project_variables",
        multiple=True,
        metavar="K=V…",
        help="A variable of the project's settings: K=V, K[protected]=V, K[masked]=V, K[production/*]=V.",
    ),
    click.option("--protected", multiple=True, metavar="REF…", help="A protected branch or tag; * is a wildcard."),
    click.option("--default-branch", help="The default branch (default: master with --branches, else main)."),
    click.option("--project", "project_path", default="group/project", show_default=True, help="The project's path."),
    click.option(
        "--projects",
        type=click.Path(path_type=Path),
        help="A folder with checkouts of other projects, components' too: DIR/group/name.",
    ),
    click.option(
        "--remote",
        type=click.Path(path_type=Path),
        help="A folder with what include:remote names: DIR/host/path for https://host/path.",
    ),
    click.option(
        "--templates",
        type=click.Path(path_type=Path),
        help="A folder with GitLab's CI templates, for include:template: DIR/Jobs/Build.gitlab-ci.yml.",
    ),
    click.option(
        "--directory", type=click.Path(path_type=Path), help="The checkout to read (default: the folder of mcci.yml)."
    ),
    click.option(
        "--branches",
        type=click.Path(path_type=Path),
        help="A folder with a checkout per branch, as `mcci generate --all --output DIR` writes it.",
    ),
    click.option("--file", "file", default=".gitlab-ci.yml", show_default=True, help="The configuration's path in it."),
)


def project_of(options: dict[str, Any]) -> Project:
    """Return the project that the options describe. Raises `UsageError`."""
    branches: Path | None = options["branches"]
    directory: Path = options["directory"] or options.get("config", Path()).parent
    if branches is not None and options["directory"] is not None:
        raise UsageError("--directory and --branches exclude each other")
    default_branch = options["default_branch"]
    if default_branch is None:
        default_branch = "master" if branches is not None and (branches / "master").is_dir() else "main"
    return Project(
        files=one_folder(directory) if branches is None else folder_per_branch(branches),
        path=options["project_path"],
        default_branch=default_branch,
        configuration=options["file"],
        variables=tuple(_project_variable(text) for text in options["project_variables"]),
        protected=tuple(options["protected"]) or None,
        projects=_other_projects(options["projects"]),
        remote=_files(options["remote"], "--remote", RemoteFiles),
        templates=_files(options["templates"], "--templates", FolderFiles),
    )


def event_of(kind: str, options: dict[str, Any], project: Project) -> Event:
    """Return the event that the options describe. Raises `UsageError` when they do not fit it."""
    request = _merge_request(options) if kind == "merge-request" else None
    if request is None and (options["source"] or options["target"] or options["fork"]):
        raise UsageError("--source, --target and --fork belong to the event merge-request")
    is_tag = kind == "tag" or bool(options["tag"])
    if is_tag and options["branch"]:
        raise UsageError("a pipeline runs on a branch or on a tag: --branch does not fit here")
    ref = options["tag"] or (DEFAULT_TAG if is_tag else options["branch"] or project.default_branch)
    if request is not None:
        ref = request.source
    known = options["changes"] or options["no_changes"]
    return Event(
        source=EVENTS[kind],
        ref=ref,
        tag=is_tag,
        merge_request=request,
        changes=tuple(options["changes"]) if known else None,
        variables=dict(pairs_of(options["variables"], "--variable")),
        inputs=dict(pairs_of(options["inputs"], "--input")),
        commit_message=options["message"],
        open_merge_requests=(f"{project.path}!1",) if options["open_merge_request"] else (),
    )


def _merge_request(options: dict[str, Any]) -> MergeRequest:
    source, target = options["source"] or options["branch"], options["target"]
    if not source or not target:
        raise UsageError("the event merge-request needs --source BRANCH and --target BRANCH")
    kind = MergeRequestKind.MERGED_RESULT if options["merged_result"] else MergeRequestKind.DETACHED
    return MergeRequest(
        source=source,
        target=target,
        kind=kind,
        fork=options["fork"],
        labels=tuple(options["labels"]),
        draft=options["draft"],
    )


def pairs_of(texts: tuple[str, ...], option: str) -> list[tuple[str, str]]:
    """Return the names and values of `K=V` texts. Raises `UsageError` for one that is none."""
    return [_pair(text, option) for text in texts]


def _pair(text: str, option: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise UsageError(f"{option} takes NAME=VALUE, not '{text}'")
    return key, value


def _project_variable(text: str) -> ProjectVariable:
    key, value = _pair(text, "--project-variable")
    name, _, inside = key.removesuffix("]").partition("[")
    traits = {trait.strip() for trait in inside.split(",") if trait.strip()}
    scopes = sorted(traits - {"protected", "masked"})
    if len(scopes) > 1:
        raise UsageError(f"--project-variable {name}: a variable has one environment, not {', '.join(scopes)}")
    return ProjectVariable(
        key=name,
        value=value,
        protected="protected" in traits,
        masked="masked" in traits,
        environment=scopes[0] if scopes else "*",
    )


def _files(root: Path | None, option: str, kind: type[FolderFiles]) -> FolderFiles | None:
    if root is not None and not root.is_dir():
        raise UsageError(f"{option}: {root} is not a folder")
    return None if root is None else kind(root)


def _other_projects(root: Path | None) -> dict[str, Project]:
    if root is None:
        return {}
    if not root.is_dir():
        raise UsageError(f"--projects: {root} is not a folder")
    found: dict[str, Project] = {}
    for file in sorted(root.rglob("*")):
        if file.is_dir() and any(child.is_file() or child.name in (".git", "templates") for child in file.iterdir()):
            path = file.relative_to(root).as_posix()
            if not any(path.startswith(f"{known}/") for known in found):
                found[path] = Project(files=one_folder(file), path=path)
    return found
