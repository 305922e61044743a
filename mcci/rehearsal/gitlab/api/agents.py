"""GitLab agents for Kubernetes: registered only; a rehearsal's jobs have kubeconfigs.

Source: https://docs.gitlab.com/api/cluster_agents/
"""

from __future__ import annotations

import re
from typing import Any

from starlette.responses import JSONResponse, Response

from mcci.rehearsal.gitlab.api import shapes
from mcci.rehearsal.gitlab.api.asking import Asked, Said, page
from mcci.rehearsal.gitlab.model import Access, Agent

Json = dict[str, Any]
NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def agents(asked: Asked) -> Response:
    """GET …/cluster_agents."""
    asked.caller(access=Access.DEVELOPER)
    return page(asked, list(asked.site.settings.agents.values()), lambda each: _agent(asked, each))


def register_agent(asked: Asked) -> Response:
    """POST …/cluster_agents."""
    user = asked.caller(access=Access.MAINTAINER).user
    name = asked.required("name")
    if not NAME.fullmatch(name):
        raise Said(400, {"name": ["can contain only lowercase letters, digits, and '-'"]})
    if any(each.name == name for each in asked.site.settings.agents.values()):
        raise Said(400, {"name": ["has already been taken"]})
    made = Agent(id=next(asked.site.numbers), name=name, owner=user, created=asked.site.gitlab.clock())
    asked.site.settings.agents[made.id] = made
    return JSONResponse(_agent(asked, made), 201)


def _agent(asked: Asked, found: Agent) -> Json:
    settings = asked.site.settings
    return {
        "id": found.id,
        "name": found.name,
        "config_project": {"id": settings.id, "path_with_namespace": settings.path},
        "created_at": shapes.moment(found.created),
        "created_by_user_id": found.owner.id,
    }
