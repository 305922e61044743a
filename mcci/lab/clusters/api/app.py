"""The ASGI application of one cluster: authentication, authorization, then discovery, streams or handlers."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from mcci.lab.clusters.access import rbac
from mcci.lab.clusters.access.rbac import Action
from mcci.lab.clusters.access.users import User
from mcci.lab.clusters.api import discovery, logs, openapi, reads, watch
from mcci.lab.clusters.api.forms import form_of
from mcci.lab.clusters.api.handlers import Call, Handlers
from mcci.lab.clusters.api.registry import Registry
from mcci.lab.clusters.api.reviews import holds
from mcci.lab.clusters.api.selectors import selects
from mcci.lab.clusters.api.targets import METHODS, Target, target_of
from mcci.lab.clusters.furnish import SERVICE_ADDRESSES
from mcci.lab.clusters.status import ApiError

if TYPE_CHECKING:
    from starlette.requests import Request

    from mcci.lab.clusters.access.users import Tokens
    from mcci.lab.clusters.api.counter import Requests
    from mcci.lab.clusters.api.logs import LogSource
    from mcci.lab.clusters.catalog import Catalog
    from mcci.lab.clusters.resources import Resource
    from mcci.lab.clusters.store import Store

logger = logging.getLogger(__name__)

Object = dict[str, Any]
HEALTH = ("/healthz", "/livez", "/readyz")
REQUESTS = "/lab/requests"
VERSION = {
    "major": "1",
    "minor": "34",
    "gitVersion": "v1.34.0+mcci-lab",
    "gitCommit": "",
    "gitTreeState": "",
    "buildDate": "2025-08-27T00:00:00Z",
    "goVersion": "none: a test double in Python",
    "compiler": "none",
    "platform": "linux/amd64",
}


class Api:
    """One cluster's API. `closing` ends its watches, which would else keep the server from stopping."""

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        tokens: Tokens,
        requests: Requests,
        *,
        services: str = SERVICE_ADDRESSES,
    ) -> None:
        """Serve this store to those who have one of these tokens; Services get addresses of the network `services`."""
        self.logs: LogSource | None = None
        self.closing = asyncio.Event()
        self._pages: dict[str, Any] = {}
        self._pages_of: tuple[Resource, ...] = ()
        self._store = store
        self._catalog = catalog
        self._tokens = tokens
        self._requests = requests
        self._handlers = Handlers(store=store, registry=Registry(store, catalog, services), tokens=tokens)
        self.asgi = Starlette(routes=[Route("/{path:path}", self._answer, methods=[*METHODS])])

    async def _answer(self, request: Request) -> Response:
        try:
            return await self._respond(request)
        except ApiError as error:
            return _json(error.body, error.code)
        except Exception as error:
            logger.exception("the lab's API failed at %s %s", request.method, request.url.path)
            return _json(ApiError(500, "InternalError", f"a bug in the lab: {error!r}").body, 500)

    async def _respond(self, request: Request) -> Response:
        path = request.url.path
        if path.rstrip("/") in HEALTH:
            return PlainTextResponse("ok")
        streaming = request.query_params.get("watch") in ("true", "1")
        target = target_of(request.method, path, watch=streaming)
        if path != REQUESTS:
            self._requests.count(target.verb if target else request.method.lower(), path)
        user = self._authenticate(request)
        if target is None:
            self._authorize(user, Action(verb=request.method.lower(), path=path))
            return self._document(request)
        self._authorize(user, _action(target))
        resource = self._catalog.find(target.group, target.version, target.plural)
        if resource is None:
            raise _unknown()
        _check_served(resource, target)
        return await self._resource(request, user, resource, target)

    async def _resource(self, request: Request, user: User, resource: Resource, target: Target) -> Response:
        if target.verb == "watch":
            return self._watch(request, resource, target)
        if (resource.plural, target.subresource) == ("pods", "log"):
            return self._log(request, resource, target)
        call = Call(
            user=user,
            target=target,
            resource=resource,
            query=request.query_params,
            body=await request.body(),
            content_type=request.headers.get("content-type", "application/json"),
            accept=request.headers.get("accept", ""),
            user_agent=request.headers.get("user-agent", ""),
        )
        answer = self._handlers.answer(call)
        response = _json(answer.body, answer.code)
        for warning in answer.warnings:
            response.headers.append("Warning", f"299 - {json.dumps(warning)}")
        return response

    def _watch(self, request: Request, resource: Resource, target: Target) -> Response:
        query = request.query_params
        fields = query.get("fieldSelector", "")
        if target.name:
            fields = f"{fields},metadata.name={target.name}".strip(",")
        form = form_of(resource, target.version, request.headers.get("accept", ""), query.get("includeObject", ""))
        view = watch.View(
            selects=selects(resource.kind, query.get("labelSelector", ""), fields),
            shows=form,
            head={"kind": resource.kind, "apiVersion": target.group_version},
        )
        options = watch.options_of(query)
        lines = watch.stream(self._store, resource, target.namespace, view, options, self.closing)
        return StreamingResponse(lines, media_type="application/json")

    def _log(self, request: Request, resource: Resource, target: Target) -> Response:
        pod = reads.get(self._store, resource, target)
        query = logs.query_of(pod, request.query_params)
        if self.logs is None:
            return PlainTextResponse("")
        return StreamingResponse(self.logs(pod, query), media_type="text/plain")

    def _document(self, request: Request) -> Response:
        path = request.url.path
        if path.rstrip("/") == "/version":
            return _json(VERSION)
        if path == REQUESTS:
            if request.method == "DELETE":
                self._requests.clear()
            return _json(self._requests.document())
        if path.startswith(openapi.ROOT):
            return self._openapi(path)

        accept = request.headers.get("accept", "")
        found = discovery.document(self._catalog.resources, path, accept, request.url.netloc)
        if found is None:
            raise _unknown()
        if found["kind"] == discovery.AGGREGATED:
            kind = f"application/json;g=apidiscovery.k8s.io;v=v2;as={discovery.AGGREGATED}"
            return Response(json.dumps(found), headers={"content-type": kind, "vary": "Accept"})
        return _json(found)

    def _openapi(self, path: str) -> Response:
        """Answer from what was made before, for as long as the same kinds are served: making one takes 0.1 s."""
        served = self._catalog.resources
        if self._pages_of is not served:
            self._pages, self._pages_of = {}, served
        if path not in self._pages:
            found = openapi.document(self._catalog, path)
            if found is None:
                raise _unknown()
            self._pages[path] = _json(found).body
        return Response(self._pages[path], media_type="application/json")

    def _authenticate(self, request: Request) -> User:
        """Return who asks, or whom the one who asks may act as. Raises ApiError 401, 403."""
        user = self._tokens.user(request.headers.get("authorization", ""), lambda bond: holds(self._store, bond))
        if user is None:
            raise ApiError(401, "Unauthorized", "Unauthorized")
        name = request.headers.get("impersonate-user")
        if not name:
            return user
        self._authorize(user, Action(verb="impersonate", resource="users", name=name))
        groups = tuple(request.headers.getlist("impersonate-group"))
        for group in groups:
            self._authorize(user, Action(verb="impersonate", resource="groups", name=group))
        return User(name=name, groups=groups)

    def _authorize(self, user: User, action: Action) -> None:
        if not rbac.allowed(self._store, user, action):
            why = rbac.refusal(user, action)
            if action.path:
                raise ApiError(403, "Forbidden", f"forbidden: {why}")
            kind = f"{action.resource}.{action.group}" if action.group else action.resource
            details = {"name": action.name, "group": action.group, "kind": action.resource}
            raise ApiError(
                403,
                "Forbidden",
                f'{kind} "{action.name}" is forbidden: {why}' if action.name else f"{kind} is forbidden: {why}",
                {key: value for key, value in details.items() if value},
            )


def _check_served(resource: Resource, target: Target) -> None:
    """Raise ApiError 404, 405 for what this kind has not."""
    if target.subresource and target.subresource not in discovery.subresources(resource):
        raise _unknown()
    named = bool(target.name)
    unnamed = target.verb in ("create", "list", "deletecollection", "watch")
    if not target.subresource and (target.verb not in resource.verbs or (named == unnamed and target.verb != "watch")):
        raise ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
    if resource.namespaced and not target.namespace and target.verb not in ("list", "watch"):
        raise ApiError(405, "MethodNotAllowed", f"{target.verb} of {resource.plural} needs a namespace")


def _action(target: Target) -> Action:
    return Action(
        verb=target.verb,
        group=target.group,
        resource=target.plural,
        subresource=target.subresource,
        namespace=target.namespace,
        name=target.name,
    )


def _unknown() -> ApiError:
    return ApiError(404, "NotFound", "the server could not find the requested resource")


def _json(body: Object, code: int = 200) -> Response:
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    return Response(text, code, media_type="application/json")
