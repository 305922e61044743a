"""Pipeline trigger tokens. Source: https://docs.gitlab.com/api/pipeline_triggers/"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from mcci.rehearsal.gitlab.api import shapes
from mcci.rehearsal.gitlab.api.asking import Asked, not_found, page
from mcci.rehearsal.gitlab.model import Access, TriggerToken

if TYPE_CHECKING:
    pass

Json = dict[str, Any]


def triggers(asked: Asked) -> Response:
    """GET …/triggers: their owner sees the whole token, others its beginning."""
    user = asked.caller(access=Access.MAINTAINER).user
    return page(
        asked, list(asked.site.settings.trigger_tokens.values()), lambda each: _trigger(each, each.owner == user)
    )


def create_trigger(asked: Asked) -> Response:
    """POST …/triggers."""
    user = asked.caller(access=Access.MAINTAINER).user
    made = TriggerToken(id=next(asked.site.numbers), description=asked.required("description"), owner=user)
    asked.site.settings.trigger_tokens[made.id] = made
    return JSONResponse(_trigger(made, True), 201)


def delete_trigger(asked: Asked) -> Response:
    """DELETE …/triggers/:id."""
    asked.caller(access=Access.MAINTAINER)
    if asked.site.settings.trigger_tokens.pop(asked.request.path_params["id"], None) is None:
        raise not_found("Trigger")
    return Response(status_code=204)


def _trigger(found: TriggerToken, whole: bool) -> Json:
    return {
        "id": found.id,
        "description": found.description,
        "token": found.token if whole else found.token[:4],
        "owner": shapes.user(found.owner),
        "last_used": None,
    }
