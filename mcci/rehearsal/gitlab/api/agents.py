"""GitLab agents for Kubernetes, and their tokens: registered only; a rehearsal's jobs have kubeconfigs.

Source: https://docs.gitlab.com/api/cluster_agents/
"""

from __future__ import annotations

import re
from typing import Any

from starlette.responses import JSONResponse, Response

from mcci.rehearsal.gitlab.api import shapes
from mcci.rehearsal.gitlab.api.asking import Asked, Said, not_found, page
from mcci.rehearsal.gitlab.model import Access, Agent, AgentToken

Json = dict[str, Any]
MOST_TOKENS = 2
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


def agent(asked: Asked) -> Response:
    """GET …/cluster_agents/:id."""
    asked.caller(access=Access.DEVELOPER)
    return JSONResponse(_agent(asked, _found(asked)))


def delete_agent(asked: Asked) -> Response:
    """DELETE …/cluster_agents/:id."""
    asked.caller(access=Access.MAINTAINER)
    settings, number = asked.site.settings, _found(asked).id
    del settings.agents[number]
    settings.agent_tokens = {id: each for id, each in settings.agent_tokens.items() if each.agent != number}
    return Response(status_code=204)


def tokens(asked: Asked) -> Response:
    """GET …/cluster_agents/:id/tokens: never the tokens themselves."""
    asked.caller(access=Access.DEVELOPER)
    number = _found(asked).id
    return page(asked, [each for each in asked.site.settings.agent_tokens.values() if each.agent == number], _token)


def create_token(asked: Asked) -> Response:
    """POST …/cluster_agents/:id/tokens: an agent has two at most; this is the only time that one is shown."""
    user = asked.caller(access=Access.MAINTAINER).user
    found, settings = _found(asked), asked.site.settings
    if sum(each.agent == found.id for each in settings.agent_tokens.values()) >= MOST_TOKENS:
        raise Said(400, "400 Bad request - An agent can have only two active tokens at a time")
    made = AgentToken(
        id=next(asked.site.numbers), agent=found.id, name=asked.required("name"), owner=user,
        created=asked.site.gitlab.clock(),
    )  # fmt: skip
    settings.agent_tokens[made.id] = made
    return JSONResponse({**_token(made), "token": made.token}, 201)


def _found(asked: Asked) -> Agent:
    found = asked.site.settings.agents.get(asked.request.path_params["id"])
    if found is None:
        raise not_found("Agent")
    return found


def _token(found: AgentToken) -> Json:
    return {
        "id": found.id,
        "name": found.name,
        "agent_id": found.agent,
        "status": "active",
        "created_at": shapes.moment(found.created),
        "created_by_user_id": found.owner.id,
    }


def _agent(asked: Asked, found: Agent) -> Json:
    settings = asked.site.settings
    return {
        "id": found.id,
        "name": found.name,
        "config_project": {"id": settings.id, "path_with_namespace": settings.path},
        "created_at": shapes.moment(found.created),
        "created_by_user_id": found.owner.id,
    }
