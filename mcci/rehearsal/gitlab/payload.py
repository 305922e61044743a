"""A job as a runner gets it: what GitLab answers to `POST /api/v4/jobs/request`. Pure.

Source: https://docs.gitlab.com/development/cicd/ and GitLab Runner's `common/spec` (Job).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcci.pipeline.variables import expand, nested
from mcci.simulation.scope import project_variables
from mcci.simulation.status.durations import seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcci.rehearsal.gitlab.model import Build
    from mcci.simulation.events import Project

Json = dict[str, Any]
TIMEOUT = 3600  # seconds: GitLab's default
DEPTH = 20  # commits: GitLab's default
REPORTS = {"junit": "gzip", "dotenv": "gzip", "annotations": "gzip", "metrics": "gzip"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the local GitLab is, and what a job's variables say of it."""

    url: str
    project: Project
    project_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobVariable:
    """A variable as a job sees it, expanded."""

    key: str
    value: str
    masked: bool = False
    file: bool = False

    def __repr__(self) -> str:
        return f"JobVariable({self.key}={'[MASKED]' if self.masked else self.value!r})"


def payload(build: Build, place: Place, needed: Iterable[Build]) -> Json:
    """Return the job; `needed` are the builds whose artifacts it gets."""
    keywords = build.planned.job.keywords
    timeout = _timeout(keywords.get("timeout"))
    found = variables(build, place, needed)
    values = {each.key: each.value for each in found}
    return {
        "id": build.id,
        "token": build.token,
        "allow_git_fetch": True,
        "job_info": {
            "id": build.id,
            "name": build.name,
            "stage": build.planned.job.stage,
            "project_id": place.project_id,
            "project_name": place.project.path.rpartition("/")[2],
            "project_full_path": place.project.path,
        },
        "git_info": {
            "repo_url": values["CI_REPOSITORY_URL"],
            "ref": build.pipeline.ref,
            "sha": build.pipeline.sha,
            "before_sha": build.pipeline.before,
            "ref_type": "branch",
            "refspecs": [f"+{build.pipeline.sha}:refs/pipelines/{build.pipeline.id}"],
            "depth": _depth(values.get("GIT_DEPTH", "")),
            "protected": values["CI_COMMIT_REF_PROTECTED"] == "true",
        },
        "runner_info": {"timeout": timeout},
        "variables": [
            {"key": each.key, "value": each.value, "public": not each.masked, "masked": each.masked,
             "file": each.file, "raw": True}
            for each in found
        ],
        "steps": _steps(keywords, timeout),
        "image": _image(keywords.get("image"), values),
        "services": [_image(each, values) for each in keywords.get("services") or []],
        "artifacts": _artifacts(keywords.get("artifacts"), values),
        "cache": [_cache(each, values) for each in _listed(keywords.get("cache"))],
        "credentials": [],
        "dependencies": [
            {
                "id": each.id,
                "token": build.token,
                "name": each.name,
                "artifacts_file": {"filename": archive.name, "size": archive.size},
            }
            for each in needed
            for archive in each.artifacts
            if archive.type == "archive"
        ],
        "features": {"trace_sections": True, "failure_reasons": ["script_failure", "runner_system_failure"]},
    }  # fmt: skip


def variables(build: Build, place: Place, needed: Iterable[Build]) -> list[JobVariable]:
    """Return every variable of a job, in GitLab's order of precedence, expanded.

    Source: https://docs.gitlab.com/ci/variables/#cicd-variable-precedence
    """
    circumstances = build.pipeline.planned.circumstances
    assert circumstances is not None
    scope = circumstances.scope_of(build.planned.job)
    given, project, *rest = scope.layers
    own = {**build.planned.variables}
    dotenv: dict[str, str] = {}
    for each in needed:
        dotenv |= each.dotenv
    settings = project_variables(place.project, build.pipeline.planned.event, build.planned.environment)
    merged: dict[str, str] = {}
    for layer in reversed((build.variables, given, {**project, **settings}, dotenv, own, *rest)):
        merged.update(layer)
    merged |= predefined(build, place)
    raw = scope.raw | dotenv.keys()
    fill = nested(merged.get, raw.__contains__)
    masked = {each.key for each in place.project.variables if each.masked} | SECRET
    files = {each.key for each in place.project.variables if each.file}
    return [
        JobVariable(
            key=key,
            value=value if key in raw or "$" not in value else expand(value, fill),
            masked=key in masked,
            file=key in files,
        )
        for key, value in merged.items()
    ]


SECRET = frozenset({"CI_JOB_TOKEN", "CI_REPOSITORY_URL", "CI_REGISTRY_PASSWORD", "CI_DEPENDENCY_PROXY_PASSWORD"})


def predefined(build: Build, place: Place) -> dict[str, str]:
    """Return the predefined variables whose values only a real pipeline has.

    Source: https://docs.gitlab.com/ci/variables/predefined_variables/
    """
    pipeline, url = build.pipeline, place.url.rstrip("/")
    scheme, _, host = url.partition("://")
    path = place.project.path
    user = build.user or pipeline.user
    found = {
        "CI_SERVER_URL": url,
        "CI_SERVER_HOST": host.partition(":")[0],
        "CI_SERVER_PORT": host.partition(":")[2],
        "CI_SERVER_PROTOCOL": scheme,
        "CI_SERVER_FQDN": host,
        "CI_SERVER_VERSION": "18.6.0",
        "CI_SERVER_VERSION_MAJOR": "18",
        "CI_SERVER_VERSION_MINOR": "6",
        "CI_API_V4_URL": f"{url}/api/v4",
        "CI_PROJECT_ID": str(place.project_id),
        "CI_PROJECT_URL": f"{url}/{path}",
        "CI_REPOSITORY_URL": f"{scheme}://gitlab-ci-token:{build.token}@{host}/{path}.git",
        "CI_PIPELINE_ID": str(pipeline.id),
        "CI_PIPELINE_IID": str(pipeline.iid),
        "CI_PIPELINE_URL": f"{url}/{path}/-/pipelines/{pipeline.id}",
        "CI_PIPELINE_NAME": pipeline.name,
        "CI_PIPELINE_SOURCE": pipeline.source,
        "CI_JOB_ID": str(build.id),
        "CI_JOB_URL": f"{url}/{path}/-/jobs/{build.id}",
        "CI_JOB_TOKEN": build.token,
        "CI_JOB_STATUS": "running",
        "CI_COMMIT_SHA": pipeline.sha,
        "CI_COMMIT_SHORT_SHA": pipeline.sha[:8],
        "CI_COMMIT_BEFORE_SHA": pipeline.before,
        "GITLAB_USER_ID": str(user.id),
        "GITLAB_USER_LOGIN": user.login,
        "GITLAB_USER_NAME": user.name,
        "GITLAB_USER_EMAIL": user.email,
    }
    if build.is_manual:
        found["CI_JOB_MANUAL"] = "true"
    if build.planned.environment:
        found["CI_ENVIRONMENT_NAME"] = build.planned.environment
        found["CI_ENVIRONMENT_SLUG"] = _environment_slug(build.planned.environment)
        if build.planned.job.environment is not None and build.planned.job.environment.url:
            found["CI_ENVIRONMENT_URL"] = build.planned.job.environment.url
    return found


def _environment_slug(name: str) -> str:
    """Return GitLab's environment slug: at most 24 characters, the last six a hash where the name was changed."""
    import hashlib
    import re

    plain = re.sub(r"-+", "-", re.sub(r"[^a-z0-9]", "-", name.lower())).strip("-")
    if not plain[:1].isalpha():
        plain = f"env-{plain}"
    if plain == name and len(plain) <= 24:
        return plain
    return f"{plain[:17].rstrip('-')}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def _steps(keywords: Mapping[str, Any], timeout: int) -> list[Json]:
    script = [*_lines(keywords.get("before_script")), *_lines(keywords.get("script"))]
    steps = [{"name": "script", "script": script, "timeout": timeout, "when": "on_success", "allow_failure": False}]
    if after := _lines(keywords.get("after_script")):
        steps.append(
            {"name": "after_script", "script": after, "timeout": timeout, "when": "always", "allow_failure": True}
        )
    return steps


def _lines(value: Any) -> list[str]:
    """Return the commands of a script; lists in lists are one list."""
    if value is None:
        return []
    if isinstance(value, list):
        return [line for each in value for line in _lines(each)]
    return [str(value)]


def _depth(value: str) -> int:
    """Return how many commits a clone has; 0 means all. What is no number means the project's default."""
    return int(value) if value.isascii() and value.isdecimal() else DEPTH


def _timeout(value: Any) -> int:
    found = seconds(value) if isinstance(value, str) else None
    return int(found) if found else TIMEOUT


def _image(value: Any, values: Mapping[str, str]) -> Json | None:
    if value is None:
        return None
    given: Json = {"name": value} if isinstance(value, str) else dict(value)
    found: Json = {"name": _filled(given["name"], values)}
    for key in ("alias", "entrypoint", "command"):
        if key in given:
            found[key] = given[key]
    if "pull_policy" in given:
        found["pull_policy"] = _lines(given["pull_policy"])
    if "docker" in given:
        found["executor_opts"] = {"docker": dict(given["docker"])}
    pairs = (given.get("variables") or {}).items()
    found["variables"] = [{"key": str(key), "value": _filled(str(value), values)} for key, value in pairs]
    return found


def _artifacts(value: Any, values: Mapping[str, str]) -> list[Json]:
    if not value:
        return []
    common = {"when": value.get("when", "on_success"), "expire_in": value.get("expire_in", "30 days")}
    found = []
    paths = [_filled(each, values) for each in _lines(value.get("paths"))]
    if paths or value.get("untracked"):
        found.append(
            {
                **common,
                "name": _filled(str(value.get("name", "artifacts")), values),
                "paths": paths,
                "exclude": [_filled(each, values) for each in _lines(value.get("exclude"))],
                "untracked": bool(value.get("untracked")),
                "artifact_type": "archive",
                "artifact_format": "zip",
            }
        )
    for kind, reported in (value.get("reports") or {}).items():
        listed = reported.get("path") if isinstance(reported, dict) else reported
        found.append(
            {
                "when": "always",
                "expire_in": common["expire_in"],
                "name": f"{kind}.xml" if kind == "junit" else kind,
                "paths": [_filled(each, values) for each in _lines(listed)],
                "artifact_type": kind,
                "artifact_format": REPORTS.get(kind, "raw"),
            }
        )
    return found


def _cache(value: Mapping[str, Any], values: Mapping[str, str]) -> Json:
    key = value.get("key", "default")
    files: list[str] = []
    if isinstance(key, dict):
        files, key = _lines(key.get("files")), str(key.get("prefix", ""))
    return {
        "key": _filled(str(key), values),
        "files": files,
        "paths": [_filled(each, values) for each in _lines(value.get("paths"))],
        "untracked": bool(value.get("untracked")),
        "policy": _filled(str(value.get("policy", "pull-push")), values),
        "when": value.get("when", "on_success"),
        "fallback_keys": _lines(value.get("fallback_keys")),
    }


def _listed(value: Any) -> list[Any]:
    if not value:
        return []
    return list(value) if isinstance(value, list) else [value]


def _filled(text: str, values: Mapping[str, str]) -> str:
    return expand(text, values.get) if "$" in text else text
