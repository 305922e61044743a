"""A project's CI/CD variables, by name and kind: their values are not kept.

Source: https://docs.gitlab.com/api/project_level_variables/
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.clients.gitlab_pipelines import Server

TIMEOUT = 15.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A variable: for which environments, whether only protected branches see it, and whether it comes as a file."""

    name: str
    scope: str = "*"
    protected: bool = False
    file: bool = False


def read(server: Server, token: str) -> tuple[Variable, ...] | str:
    """Return the project's variables, or why they cannot be read: the token needs the role of a maintainer.

    Those that its groups give are not among them.
    """
    import gitlab
    import requests

    client = gitlab.Gitlab(server.url, private_token=token, timeout=TIMEOUT, ssl_verify=server.certificate or True)
    try:
        found = client.projects.get(server.project, lazy=True).variables.list(get_all=True)
        return tuple(_variable(each.attributes) for each in found)
    except gitlab.exceptions.GitlabError as error:
        return f"GitLab answers {error.response_code or 'nothing'}"
    except requests.RequestException as error:
        return f"GitLab at {server.url} cannot be reached ({type(error).__name__})"


def _variable(body: Mapping[str, object]) -> Variable:
    return Variable(
        name=str(body.get("key")),
        scope=str(body.get("environment_scope") or "*"),
        protected=bool(body.get("protected")),
        file=body.get("variable_type") == "file",
    )
