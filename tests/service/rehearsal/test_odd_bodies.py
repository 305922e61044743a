"""Every endpoint of the local GitLab with bodies and parameters that make no sense: refused, never a server's error."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mcci.rehearsal.gitlab.api.app import TABLE
from mcci.rehearsal.gitlab.site import Site
from tests.service.rehearsal.conftest import MAINTAINER, git, remote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

ODD: tuple[Any, ...] = ("", "é\x00", "\U0001f600", -1, 1.5, True, None, ["a"], {"a": ["b"]}, [{"key": 1}], "9" * 30)
FIELDS = (
    "token", "ref", "name", "branch", "title", "source_branch", "target_branch", "key", "value", "variables", "inputs",
    "description", "cron", "active", "info", "wait", "state", "exit_code", "failure_reason", "trace", "scopes",
    "deploy_access_levels", "push_access_level", "merge_access_level", "allow_force_push", "tier", "external_url",
    "job_variables_attributes", "force", "environment_scope", "variable_type", "filter", "masked", "content", "dry_run",
    "state_event", "default_branch", "ci_config_path", "page", "per_page", "scope", "sort", "artifact_type",
)  # fmt: skip
CONFIGURATION = "build: {script: [make]}\npress: {script: [make], when: manual}\n"


@pytest.fixture
def client(site: Site, pushed: Callable[[Mapping[str, str]], Path]) -> Iterator[httpx.Client]:
    """A project with a pipeline, a merge request and one of everything, asked by its maintainer."""
    folder = pushed({".gitlab-ci.yml": CONFIGURATION})
    git(folder, "push", "-q", remote(site, MAINTAINER), "main:topic")
    with httpx.Client(base_url=site.url, headers={"PRIVATE-TOKEN": MAINTAINER.token}, timeout=30) as found:
        for path, body in (
            ("triggers", {"description": "one"}), ("cluster_agents", {"name": "one"}),
            ("pipeline_schedules", {"description": "one", "ref": "main", "cron": "0 3 * * *"}),
            ("environments", {"name": "one"}), ("variables", {"key": "ONE", "value": "1"}),
            ("merge_requests", {"source_branch": "topic", "target_branch": "main", "title": "One"}),
        ):  # fmt: skip
            assert found.post(f"/api/v4/projects/1/{path}", json=body).status_code == 201
        yield found


def bodies(path: str, runner_token: str) -> Iterator[dict[str, Any]]:
    """Yield what is sent to an endpoint: every field is odd, or all but those that let a request in."""
    secret = {"token": runner_token} if path.endswith("/request") or "/runners" in path else {}
    for odd in ODD:
        body = {**dict.fromkeys(FIELDS, odd), **secret, **({"wait": 0} if odd in (1.5, "9" * 30) else {})}
        yield body
        yield {**body, "ref": "main", "name": "odd", "key": "ODD"}


def test_no_error_of_the_server(client: httpx.Client, site: Site) -> None:
    """Whatever a request holds, the answer is one of GitLab's, and the state can still be kept and taken up again."""
    failed: list[tuple[str, str, object]] = []
    for method, path, _ in sorted(TABLE, key=lambda each: each[0] == "DELETE"):
        address = re.sub(r"\{[a-z]+:int\}", "1", path.replace("{project}", "1")).replace("{sha}", "main")
        address = address.replace("{key}", "ONE").replace("{name:path}", "one").replace("{path:path}", "one")
        headers = {"job-token": site.gitlab.builds[1].token} if "/jobs/" in path else {}
        sent: list[dict[str, Any]] = [{"json": body} for body in bodies(path, site.settings.runner_token)]
        sent += [{"content": content} for content in (b"", b"{", b"[1]", b'"text"', b"\xff\xfe", b'{"ref": "\\ud800"}')]
        for more in sent:
            kind = {"content-type": "application/json"}
            try:
                status = client.request(method, address, headers=headers | kind, **more).status_code
            except httpx.HTTPError:
                status = 599  # it hung up
            if status >= 500:
                failed.append((method, path, more))
                break
    assert failed == []
    site.save()
    again = Site(site.state, path="vehicles/app", users=[])
    assert [each.status for each in again.gitlab.builds.values()] == [
        each.status for each in site.gitlab.builds.values()
    ]
