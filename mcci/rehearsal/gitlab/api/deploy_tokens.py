"""Deploy tokens. Source: https://docs.gitlab.com/api/deploy_tokens/"""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from mcci.rehearsal.gitlab.api.asking import Asked, Said, not_found, page
from mcci.rehearsal.gitlab.model import Access, DeployToken

Json = dict[str, Any]
SCOPES = frozenset(
    {
        "read_repository", "read_registry", "write_registry", "read_package_registry", "write_package_registry",
        "read_virtual_registry", "write_virtual_registry",
    }
)  # fmt: skip


def deploy_tokens(asked: Asked) -> Response:
    """GET …/deploy_tokens: never the tokens themselves."""
    asked.caller(access=Access.MAINTAINER)
    return page(asked, list(asked.site.settings.deploy_tokens.values()), _shape)


def create_deploy_token(asked: Asked) -> Response:
    """POST …/deploy_tokens: this is the only time that it is shown."""
    asked.caller(access=Access.MAINTAINER)
    name, scopes = asked.required("name"), asked.body.get("scopes")
    if not isinstance(scopes, list) or not scopes or not SCOPES.issuperset(map(str, scopes)):
        raise Said(400, {"error": "scopes does not have a valid value"})
    number = next(asked.site.numbers)
    made = DeployToken(
        id=number, name=name, username=asked.text("username") or f"gitlab+deploy-token-{number}",
        scopes=tuple(map(str, scopes)), expires=asked.text("expires_at") or None,
    )  # fmt: skip
    asked.site.settings.deploy_tokens[number] = made
    return JSONResponse({**_shape(made), "token": made.token}, 201)


def delete_deploy_token(asked: Asked) -> Response:
    """DELETE …/deploy_tokens/:id."""
    asked.caller(access=Access.MAINTAINER)
    if asked.site.settings.deploy_tokens.pop(asked.request.path_params["id"], None) is None:
        raise not_found("DeployToken")
    return Response(status_code=204)


def _shape(found: DeployToken) -> Json:
    return {
        "id": found.id,
        "name": found.name,
        "username": found.username,
        "expires_at": found.expires,
        "scopes": list(found.scopes),
        "revoked": False,
        "expired": False,
    }
