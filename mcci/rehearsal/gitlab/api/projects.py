"""The project itself: its settings, branches, commits, merge requests, and whether a configuration is valid.

Sources: https://docs.gitlab.com/api/projects/ , …/branches/ , …/merge_requests/ , …/lint/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from mcci.clients.git import GitFailed
from mcci.rehearsal.gitlab.api import shapes
from mcci.rehearsal.gitlab.api.asking import Asked, Said, not_found, page
from mcci.rehearsal.gitlab.instance import NotNow
from mcci.rehearsal.gitlab.model import Access, Pushed
from mcci.rehearsal.gitlab.repository import BLANK
from mcci.rehearsal.gitlab.site import ROLES
from mcci.simulation.events import Event, Source
from mcci.simulation.pipelines import simulate

if TYPE_CHECKING:
    from mcci.rehearsal.gitlab.merge_requests import Request

Json = dict[str, Any]
REGISTRY = "registry.gitlab.example"  # there is none; a rehearsal's images are in the lab's


def version(asked: Asked) -> Response:
    """GET /version."""
    asked.caller()
    return JSONResponse({"version": "18.6.0-mcci", "revision": "rehearsal"})


def me(asked: Asked) -> Response:
    """GET /user."""
    user = asked.caller().user
    return JSONResponse({**(shapes.user(user) or {}), "email": user.email})


def one(asked: Asked) -> Response:
    """GET /projects/:id."""
    asked.caller()
    settings, url = asked.site.settings, asked.site.url
    return JSONResponse(
        {
            "id": settings.id,
            "name": settings.path.rpartition("/")[2],
            "path_with_namespace": settings.path,
            "default_branch": settings.default_branch,
            "ci_config_path": settings.configuration,
            "web_url": f"{url}/{settings.path}",
            "http_url_to_repo": f"{url}/{settings.path}.git",
            "ci_pipeline_variables_minimum_override_role": settings.variables_role,
            "restrict_user_defined_variables": True,
            "visibility": "private",
            "container_registry_image_prefix": f"{REGISTRY}/{settings.path}",
        }
    )


def update(asked: Asked) -> Response:
    """PUT /projects/:id: the default branch, the configuration's file, and who may give pipelines variables."""
    asked.caller(access=Access.MAINTAINER)
    settings = asked.site.settings
    settings.default_branch = asked.text("default_branch", settings.default_branch)
    settings.configuration = asked.text("ci_config_path", settings.configuration)
    role = asked.text("ci_pipeline_variables_minimum_override_role", settings.variables_role)
    if role not in (*ROLES, "no_one_allowed"):
        raise Said(400, {"error": "ci_pipeline_variables_minimum_override_role does not have a valid value"})
    settings.variables_role = role
    return one(asked)


# Branches and commits


def branches(asked: Asked) -> Response:
    """GET …/repository/branches."""
    asked.caller()
    found = sorted(asked.site.repository.branches().items())
    return page(asked, found, lambda each: _branch(asked, *each))


def branch(asked: Asked) -> Response:
    """GET …/repository/branches/:name."""
    asked.caller()
    name = asked.request.path_params["name"]
    commit = asked.site.repository.branches().get(name)
    if commit is None:
        raise not_found("Branch")
    return JSONResponse(_branch(asked, name, commit))


def create_branch(asked: Asked) -> Response:
    """POST …/repository/branches."""
    user = asked.caller(access=Access.DEVELOPER).user
    name, ref = asked.required("branch"), asked.required("ref")
    commit = asked.site.repository.commit(ref)
    if commit is None:
        raise Said(400, "Invalid reference name: " + ref)
    try:
        asked.site.repository.create_branch(name, commit)
    except GitFailed as error:
        raise Said(400, "Branch already exists") from error
    asked.site.pushed([Pushed(branch=name, before=BLANK, after=commit)], user)
    return JSONResponse(_branch(asked, name, commit), 201)


def _branch(asked: Asked, name: str, commit: str) -> Json:
    return {
        "name": name,
        "commit": asked.site.repository.show(commit),
        "protected": asked.site.protection_of(name) is not None,
        "default": name == asked.site.settings.default_branch,
        "merged": False,
    }


def commit(asked: Asked) -> Response:
    """GET …/repository/commits/:sha."""
    asked.caller()
    found = asked.site.repository.commit(asked.request.path_params["sha"])
    if found is None:
        raise not_found("Commit")
    return JSONResponse(asked.site.repository.show(found))


# Merge requests


def merge_requests(asked: Asked) -> Response:
    """GET …/merge_requests."""
    asked.caller()
    state = {"all": "", "": ""}.get(asked.text("state"), asked.text("state"))
    wanted = [(asked.text("source_branch"), "source"), (asked.text("target_branch"), "target"), (state, "state")]
    found = [
        each
        for each in reversed(asked.site.merge_requests.all.values())
        if all(not value or getattr(each, name) == value for value, name in wanted)
    ]
    return page(asked, found, lambda each: _request(asked, each))


def merge_request(asked: Asked) -> Response:
    """GET …/merge_requests/:iid."""
    asked.caller()
    return JSONResponse(_request(asked, _asked_for(asked)))


def open_merge_request(asked: Asked) -> Response:
    """POST …/merge_requests."""
    user = asked.caller(access=Access.DEVELOPER).user
    source, target = asked.required("source_branch"), asked.required("target_branch")
    known = asked.site.repository.branches()
    for name, key in ((source, "source_branch"), (target, "target_branch")):
        if name not in known:
            raise Said(400, {key: ["does not exist"]})
    try:
        made = asked.site.merge_requests.open(
            source=source, target=target, title=asked.required("title"), description=asked.text("description"),
            author=user, remove_source=asked.flag("remove_source_branch"),
        )  # fmt: skip
    except NotNow as error:
        raise Said(409, [str(error)]) from error
    return JSONResponse(_request(asked, made), 201)


def update_merge_request(asked: Asked) -> Response:
    """PUT …/merge_requests/:iid: its words, or close and reopen it."""
    asked.caller(access=Access.DEVELOPER)
    found = _asked_for(asked)
    found.title = asked.text("title", found.title)
    found.description = asked.text("description", found.description)
    if event := asked.text("state_event"):
        found.state = {"close": "closed", "reopen": "opened"}.get(event, found.state)
    return JSONResponse(_request(asked, found))


def merge(asked: Asked) -> Response:
    """PUT …/merge_requests/:iid/merge."""
    user = asked.caller(access=Access.DEVELOPER).user
    found = _asked_for(asked)
    protection = asked.site.protection_of(found.target)
    if protection is not None and (protection.merge is Access.NONE or user.access < protection.merge):
        raise Said(401, "401 Unauthorized")
    try:
        asked.site.merge_requests.merge(found, user)
    except NotNow as error:
        raise Said(405, str(error)) from error
    return JSONResponse(_request(asked, found))


def _asked_for(asked: Asked) -> Request:
    found = asked.site.merge_requests.all.get(asked.request.path_params["iid"])
    if found is None:
        raise not_found("Merge Request")
    return found


def _request(asked: Asked, found: Request) -> Json:
    site = asked.site
    return {
        "id": found.iid,
        "iid": found.iid,
        "project_id": site.settings.id,
        "title": found.title,
        "description": found.description,
        "state": found.state,
        "draft": found.is_draft,
        "source_branch": found.source,
        "target_branch": found.target,
        "author": shapes.user(found.author),
        "merge_commit_sha": found.merge_commit,
        "sha": site.repository.commit(f"refs/heads/{found.source}"),
        "web_url": f"{site.url}/{site.settings.path}/-/merge_requests/{found.iid}",
    }


# The configuration


def lint(asked: Asked) -> Response:
    """GET and POST …/ci/lint: whether a configuration is valid, and with `dry_run` whether it makes a pipeline.

    Source: https://docs.gitlab.com/api/lint/
    """
    asked.caller(access=Access.DEVELOPER)
    site = asked.site
    project = site.project()
    ref = asked.text("ref") or asked.text("dry_run_ref") or asked.text("content_ref") or project.default_branch
    if content := asked.text("content"):
        from dataclasses import replace

        from mcci.pipeline.files import MemoryFiles

        known = site.repository.files(ref)
        texts = {path: text for path in (known.paths() if known else ()) if (text := _text(known, path)) is not None}
        files = MemoryFiles({**texts, project.configuration: content})
        project = replace(project, files=lambda _ref: files)
    planned = simulate(project, Event(source=Source.PUSH, ref=ref))
    errors = [str(finding) for finding in planned.findings]
    if asked.flag("dry_run") and not errors and not planned.decision.included:
        errors = [planned.decision.reason]
    return JSONResponse({"valid": not errors, "errors": errors, "warnings": [], "merged_yaml": None})


def _text(files: Any, path: str) -> str | None:
    from mcci.errors import InvalidInput

    if not path.endswith((".yml", ".yaml")):
        return ""
    try:
        found: str | None = files.read(path)
    except InvalidInput:
        return None
    return found
