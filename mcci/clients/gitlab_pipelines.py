"""GitLab's pipelines, started and watched through python-gitlab.

Sources: https://docs.gitlab.com/api/pipeline_triggers/ , https://docs.gitlab.com/api/pipelines/
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcci.errors import ServiceFailed, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TIMEOUT = 30.0  # seconds, for one request
RETRIES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A GitLab and one of its projects; `certificate` is its authority's certificate file, if it has its own."""

    url: str
    project: str
    certificate: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A pipeline: its number, page and status (https://docs.gitlab.com/ci/pipelines/#pipeline-status)."""

    id: int
    url: str
    status: str
    children: tuple[str, ...] = field(default=())


class PipelineRefused(UsageError):
    """GitLab does not start the pipeline, or not show it: `code` is its answer's status, `reason` what it said."""

    def __init__(self, message: str, *, code: int, reason: str) -> None:
        super().__init__(message)
        self.code, self.reason = code, reason


def trigger(
    server: Server, *, branch: str, token: str, inputs: Mapping[str, str], variables: Mapping[str, str]
) -> Pipeline:
    """Start a pipeline with a job's or a trigger token: one request, never sent twice.

    What is empty is left out: GitLab checks the right to pass variables even where there are none (gitlab#557381).
    Raises `PipelineRefused`, `ServiceFailed`.
    """
    data = {"ref": branch, "token": token, "inputs": dict(inputs), "variables": dict(variables)}
    with _translated(server, f"start a pipeline for {branch}"):
        path = f"/projects/{_client(server).projects.get(server.project, lazy=True).encoded_id}/trigger/pipeline"
        found = _client(server).http_post(path, post_data={key: value for key, value in data.items() if value})
        assert isinstance(found, dict)
        return _pipeline(found)


def read(server: Server, token: str, pipeline: int, *, with_children: bool) -> Pipeline:
    """Return a pipeline as it is now; `with_children` costs a second request, for the child pipelines' statuses."""
    with _translated(server, f"read the pipeline {pipeline}"):
        project = _client(server, token).projects.get(server.project, lazy=True)
        found = project.pipelines.get(pipeline, max_retries=RETRIES, retry_transient_errors=True)
        bridges: list[Any] = []
        if with_children and found.status == "running":
            bridges = found.bridges.list(get_all=True, max_retries=RETRIES, retry_transient_errors=True)
        children = tuple((bridge.downstream_pipeline or {}).get("status", bridge.status) for bridge in bridges)
        return _pipeline(found.attributes, children)


def _pipeline(found: Mapping[str, Any], children: tuple[str, ...] = ()) -> Pipeline:
    return Pipeline(id=int(found["id"]), url=str(found["web_url"]), status=str(found["status"]), children=children)


def _client(server: Server, token: str = "") -> Any:
    import gitlab

    return gitlab.Gitlab(
        server.url, private_token=token or None, timeout=TIMEOUT, ssl_verify=server.certificate or True
    )


@contextmanager
def _translated(server: Server, what: str) -> Iterator[None]:
    import requests
    from gitlab.exceptions import GitlabError

    where = f"GitLab at {server.url}"
    try:
        yield
    except GitlabError as error:
        code, said = error.response_code or 0, _said(error.error_message)
        if 400 <= code < 500 and code not in (408, 429):
            message = f"{where} does not {what} of '{server.project}' ({code}: {said})."
            raise PipelineRefused(message, code=code, reason=said) from error
        raise ServiceFailed(f"{where} failed to {what} ({code or 'no status'}: {said}).") from error
    except requests.RequestException as error:
        raise ServiceFailed(f"{where} cannot be reached to {what}: {_cause(error)}.") from error


def _said(message: object) -> str:
    """Return GitLab's words: a text, or a mapping of fields to texts (`{"base": ["…"]}`)."""
    if isinstance(message, bytes):
        message = message.decode(errors="replace")
    if isinstance(message, dict):
        message = "; ".join(_said(each) for each in message.values())
    if isinstance(message, list):
        message = "; ".join(_said(each) for each in message)
    return " ".join(str(message).split())[:400]


def _cause(error: BaseException) -> str:
    while error.__context__ is not None:
        error = error.__context__
    return str(error) or type(error).__name__
