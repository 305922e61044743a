"""GitLab's REST API, by python-gitlab, whose errors end here.

Source: https://docs.gitlab.com/api/merge_requests/
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcci.errors import ServiceFailed, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT = 30.0  # seconds, for one request
RETRIES = 4
_REMOTE = re.compile(
    r"""(?:(?P<scheme>https?|ssh|git)://)?  (?:[^@/\s]+@)?  (?P<host>[^/:@\s]+)
        (?P<port>:\d+)?  [:/]  (?P<path>[^\s]+?)  (?:\.git)?/?$""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project and the token to speak for it."""

    server_url: str
    path: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRequest:
    """A merge request, and whether it was opened now or was open already."""

    url: str
    opened: bool


def address(remote_url: str) -> tuple[str, str] | None:
    """Return the server's URL and the project's path that a git remote's URL tells, or None."""
    match = _REMOTE.match(remote_url)
    if match is None or remote_url.startswith(("/", ".", "file:")):
        return None
    scheme = match["scheme"] if (match["scheme"] or "").startswith("http") else "https"
    port = match["port"] or "" if scheme == match["scheme"] else ""
    return f"{scheme}://{match['host']}{port}", match["path"].strip("/")


def open_merge_request(project: Project, *, source: str, target: str, title: str, description: str) -> MergeRequest:
    """Open a merge request, or return the one that is open. Its source branch goes when it is merged.

    Raises `UsageError` when GitLab does not take the token, `ServiceFailed` when it does not answer.
    """
    with translated(project):
        requests = opened(project).mergerequests
        branches = {"source_branch": source, "target_branch": target}
        found = requests.list(**branches, state="opened", get_all=False, max_retries=RETRIES)
        if found:
            return MergeRequest(url=found[0].web_url, opened=False)
        made = requests.create(
            {**branches, "title": title, "description": description, "remove_source_branch": True},
            max_retries=RETRIES,
        )
        return MergeRequest(url=made.web_url, opened=True)


def opened(project: Project) -> Any:
    """Return python-gitlab's project; nothing is asked of GitLab yet."""
    import gitlab

    client = gitlab.Gitlab(
        project.server_url, private_token=project.token, timeout=TIMEOUT, retry_transient_errors=True
    )
    return client.projects.get(project.path, lazy=True)


@contextmanager
def translated(project: Project, role: str = "the role of a developer or more") -> Iterator[None]:
    """Turn python-gitlab's errors into `UsageError` and `ServiceFailed`; `role` is what the token needs."""
    import requests
    from gitlab.exceptions import GitlabError

    where = f"GitLab at {project.server_url}"
    try:
        yield
    except GitlabError as error:
        code, said = error.response_code, _said(error.error_message)
        if code == 401:
            raise UsageError(f"{where} does not take the token (401). Give GITLAB_TOKEN one that is valid.") from error
        if code in (403, 404):
            advice = f"It needs the scope `api`, and {role}."
            message = f"{where} does not let the token into the project '{project.path}' ({code}: {said}). {advice}"
            raise UsageError(message) from error
        if code and code < 500 and code != 429:
            raise UsageError(f"{where} refused the request ({code}: {said}).") from error
        raise ServiceFailed(f"{where} failed ({code or 'no status'}: {said}).") from error
    except requests.RequestException as error:
        raise ServiceFailed(f"{where} cannot be reached: {_cause(error)}.") from error


def _said(message: object) -> str:
    text = message.decode(errors="replace") if isinstance(message, bytes) else str(message)
    return " ".join(text.split())[:300]


def _cause(error: BaseException) -> str:
    """Return the innermost reason: what requests says is mostly about its own machinery."""
    while error.__context__ is not None:
        error = error.__context__
    return str(error) or type(error).__name__
