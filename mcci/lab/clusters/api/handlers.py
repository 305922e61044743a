"""One request for a resource, from its target to its answer: what each verb and subresource does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.api import reads, reviews, subresources
from mcci.lab.clusters.api.bodies import parse, parse_object
from mcci.lab.clusters.api.deletes import delete, delete_collection
from mcci.lab.clusters.api.forms import form_of, list_form
from mcci.lab.clusters.api.writes import Answer, options_of
from mcci.lab.clusters.status import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.lab.clusters.access.users import Tokens, User
    from mcci.lab.clusters.api.registry import Registry
    from mcci.lab.clusters.api.targets import Target
    from mcci.lab.clusters.resources import Resource
    from mcci.lab.clusters.store import Store

Object = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that is who it says it is, and may do what it asks."""

    user: User
    target: Target
    resource: Resource
    query: Mapping[str, str]
    body: bytes
    content_type: str
    accept: str
    user_agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Handlers:
    """Answers calls; every method raises ApiError."""

    store: Store
    registry: Registry
    tokens: Tokens

    def answer(self, call: Call) -> Answer:
        """Do what the call asks (watches and logs, which are streams, aside)."""
        if call.resource.verbs == ("create",):
            body = parse_object(call.body, call.content_type)
            made = reviews.answer(self.store, call.user, call.resource.kind, body)
            return Answer(body={**made, "kind": call.resource.kind, "apiVersion": call.target.group_version}, code=201)
        if call.target.subresource not in ("", "status"):
            return self._below(call)
        match call.target.verb:
            case "get":
                found = reads.get(self.store, call.resource, call.target)
                return Answer(body=self._shown(call, found))
            case "list":
                items, metadata = reads.page(self.store, call.resource, call.target.namespace, call.query)
                include = call.query.get("includeObject", "")
                form = list_form(call.resource, call.target.version, call.accept, items, metadata, include)
                return Answer(body=form)
            case "delete":
                return delete(self.store, call.resource, call.target, call.query, self._object(call))
            case "deletecollection":
                return delete_collection(self.store, call.resource, call.target, call.query, self._object(call))
        return self._write(call)

    def _write(self, call: Call) -> Answer:
        options = options_of(call.query, call.user_agent)
        created = False
        match call.target.verb:
            case "create":
                made = self.registry.create(call.resource, call.target, self._object(call), options)
                created = True
            case "update":
                made = self.registry.update(call.resource, call.target, self._object(call), options)
            case "patch":
                body = parse(call.body, call.content_type)
                kind = call.content_type.partition(";")[0].strip()
                made, created = self.registry.patch(call.resource, call.target, body, kind, options)
            case verb:
                raise ApiError(405, "MethodNotAllowed", f"the server does not allow {verb} here")
        return Answer(body=self._shown(call, made), code=201 if created else 200, warnings=tuple(options.warnings))

    def _below(self, call: Call) -> Answer:
        body = parse(call.body, call.content_type)
        target, resource = call.target, call.resource
        match resource.plural, target.subresource:
            case "serviceaccounts", "token":
                made = reviews.token_request(self.store, self.tokens, target.namespace, target.name, body)
                return Answer(body=made, code=201)
            case "namespaces", "finalize":
                return Answer(body=self._shown(call, subresources.finalize(self.store, target.name, body)))
            case "pods", "eviction":
                return Answer(body=subresources.evict(self.store, target, body), code=201)
            case _, "scale" if resource.scale:
                options = options_of(call.query, call.user_agent)
                return Answer(body=subresources.scale(self.store, self.registry, call, body, options))
        raise ApiError(404, "NotFound", "the server could not find the requested resource")

    def _shown(self, call: Call, body: Object) -> Object:
        return form_of(call.resource, call.target.version, call.accept, call.query.get("includeObject", ""))(body)

    def _object(self, call: Call) -> Object:
        return parse_object(call.body, call.content_type)
