"""The writes of the API: defaults, validation, admission, field ownership, and then the store."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.api import admission
from mcci.lab.clusters.api.defaults import ZEROS, fill
from mcci.lab.clusters.api.rules.table import check as check_rules
from mcci.lab.clusters.api.shapes import accept, missing
from mcci.lab.clusters.api.writes import Options
from mcci.lab.clusters.fields import managers
from mcci.lab.clusters.fields.apply import applied
from mcci.lab.clusters.patches import json_patch
from mcci.lab.clusters.patches.merge import merge
from mcci.lab.clusters.patches.strategic import strategic_merge
from mcci.lab.clusters.status import ApiError, bad_request, invalid, not_found
from mcci.lab.clusters.store import timestamp

if TYPE_CHECKING:
    from mcci.lab.clusters.api.targets import Target
    from mcci.lab.clusters.catalog import Catalog
    from mcci.lab.clusters.resources import Resource
    from mcci.lab.clusters.schemas.schema import Schema
    from mcci.lab.clusters.store import Store

Object = dict[str, Any]
RETRIES = 5  # of a patch that lost against a controller's write; the real server does the same
# Kinds that are replaced only by who says which revision was read; custom ones all are.
ALWAYS_VERSIONED = ("Lease", "PodDisruptionBudget", "CustomResourceDefinition")
APPLY = ("application/apply-patch+yaml", "application/apply-patch+cbor")
JSON_PATCH = "application/json-patch+json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


class Registry:
    """Writes of one cluster. Every method raises ApiError as the API does."""

    def __init__(self, store: Store, catalog: Catalog, services: str) -> None:
        """Write to this store what this catalog knows; Services get addresses of the network `services`."""
        self._services = services
        self._store = store
        self._catalog = catalog

    def create(self, resource: Resource, target: Target, body: Object, options: Options) -> Object:
        """POST: make an object."""
        given = self._named(resource, target, body)
        if given["metadata"].get("resourceVersion"):
            raise bad_request("resourceVersion should not be set on objects to be created")
        made = self._prepared(resource, target, given, None, options)
        return self._store.create(resource, made, dry_run=options.dry_run)

    def update(self, resource: Resource, target: Target, body: Object, options: Options) -> Object:
        """PUT: replace an object, or its status."""
        given = self._named(resource, target, body)
        current = self._current(resource, target)
        if not given["metadata"].get("resourceVersion") and (resource.custom or resource.kind in ALWAYS_VERSIONED):
            why = {"reason": "FieldValueInvalid", "message": "Invalid value: 0: must be specified for an update"}
            raise invalid(resource.kind, resource.group, target.name, [{**why, "field": "metadata.resourceVersion"}])
        return self._put(resource, target, current, given, options)

    def patch(
        self, resource: Resource, target: Target, body: Any, content_type: str, options: Options
    ) -> tuple[Object, bool]:
        """PATCH of any kind: change an object, or its status. Returns it, and whether an apply made it."""
        if content_type == JSON_PATCH:
            operations, body = body, {}
        elif not isinstance(body, dict):
            raise bad_request("the body is not a patch of its media type")
        if content_type in APPLY:
            return self._apply(resource, target, body, options)
        if content_type not in (JSON_PATCH, MERGE) and (content_type != STRATEGIC or resource.custom):
            raise _unsupported(resource)
        for attempt in range(RETRIES):
            current = self._current(resource, target)
            schema = self._catalog.schema(resource, target.version)
            if content_type == JSON_PATCH:
                wanted = json_patch.apply(current, operations)
            elif content_type == MERGE:
                wanted = merge(current, body)
            else:
                wanted = strategic_merge(current, body, schema)
            _check_still_named(wanted, target)
            try:
                return self._put(resource, target, current, wanted, options), False
            except ApiError as error:
                asked = "resourceVersion" in (body.get("metadata") or {})
                if error.reason != "Conflict" or asked or attempt == RETRIES - 1:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _apply(self, resource: Resource, target: Target, body: Object, options: Options) -> tuple[Object, bool]:
        if not options.named:
            text = 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'
            raise ApiError(422, "Invalid", text)
        config = self._named(resource, target, body)
        if config["metadata"].pop("managedFields", None):
            raise bad_request("metadata.managedFields must be nil")
        version = config["metadata"].pop("resourceVersion", None)
        schema = self._catalog.schema(resource, target.version)
        config = accept(config, schema, resource, target, options, applied=True)
        for attempt in range(RETRIES):
            live = self._store.get(resource, target.name, target.namespace)
            if version and (live is None or live["metadata"]["resourceVersion"] != version):
                raise ApiError(409, "Conflict", f"{target.plural} {target.name!r}: the object has been modified")
            if live is None and target.subresource:
                raise not_found(resource.plural, resource.group, target.name)
            manager = self._manager("Apply", target, options)
            if live is not None and not live["metadata"].get("managedFields"):
                self._own_as_first(live, schema, target)
            wanted = applied(live or {"metadata": {}}, config, schema, manager, force=options.force)
            try:
                if live is not None:
                    return self._put(resource, target, live, wanted, options, owned=True), False
                made = self._prepared(resource, target, wanted, None, options, owned=True)
                return self._store.create(resource, made, dry_run=options.dry_run), True
            except ApiError as error:
                if error.reason not in ("Conflict", "AlreadyExists") or version or attempt == RETRIES - 1:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _put(
        self,
        resource: Resource,
        target: Target,
        current: Object,
        given: Object,
        options: Options,
        *,
        owned: bool = False,
    ) -> Object:
        """Write `given` in place of `current`; `owned`: its managedFields are the apply's own."""
        wanted = self._prepared(resource, target, given, current, options, owned=owned)
        return self._store.update(resource, wanted, status=target.subresource == "status", dry_run=options.dry_run)

    def _prepared(
        self,
        resource: Resource,
        target: Target,
        given: Object,
        current: Object | None,
        options: Options,
        *,
        owned: bool = False,
    ) -> Object:
        """Return what is to be written. The writer owns the defaults too, but not what admission gives out."""
        schema = self._catalog.schema(resource, target.version)
        body = accept(given, schema, resource, target, options)
        if current is None:
            for name in ("uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp"):
                body["metadata"].pop(name, None)
            if resource.status and resource.kind != "CustomResourceDefinition":
                body.pop("status", None)
        fill(resource.kind, body)
        if not owned:
            self._own(current or {"metadata": {}, **ZEROS.get(resource.kind, {})}, body, resource, target, options)
        if target.subresource == "status" and current is not None:
            return body
        admission.admit(self._store, resource, body, current, self._services)
        check_rules(resource, body, current, missing(body, schema, resource))
        return body

    def _own(self, before: Object, after: Object, resource: Resource, target: Target, options: Options) -> None:
        """Note in the object what this write owns from now on.

        An empty list from the client forgets all owners; an object without any gets none by an update.
        """
        schema = self._catalog.schema(resource, target.version)
        if after["metadata"].get("managedFields", None) in ([], [{}]):
            after["metadata"].pop("managedFields")
            return
        if before["metadata"].get("uid") and not before["metadata"].get("managedFields"):
            after["metadata"].pop("managedFields", None)
            return
        ignored = [("f:status",)] if resource.status else []
        if target.subresource == "status":
            ignored = [("f:spec",), ("f:metadata",)]
        writer = self._manager("Update", target, options)
        managers.write(after, managers.updated(before, after, schema, writer, ignored))

    def _own_as_first(self, live: Object, schema: Schema, target: Target) -> None:
        """Note one owner for all of an object that nobody owned until its first apply, as its controllers made it."""
        first = self._manager("Update", target, Options(manager="before-first-apply"))
        managers.write(live, managers.updated({"metadata": {}}, live, schema, first, [("f:status",)]))

    def _manager(self, operation: str, target: Target, options: Options) -> managers.Manager:
        return managers.Manager(
            name=options.manager,
            operation=operation,
            api_version=target.group_version,
            subresource=target.subresource,
            time=timestamp(datetime.now(UTC)),
        )

    def _current(self, resource: Resource, target: Target) -> Object:
        current = self._store.get(resource, target.name, target.namespace)
        if current is None:
            raise not_found(resource.plural, resource.group, target.name)
        return current

    def _named(self, resource: Resource, target: Target, body: Object) -> Object:
        """Return the body with the name and namespace of the request. Raises ApiError 400 where it says others."""
        metadata = dict(body.get("metadata") or {})
        if not metadata.get("name") and metadata.get("generateName") and target.verb == "create":
            alphabet = "bcdfghjklmnpqrstvwxz2456789"
            metadata["name"] = metadata["generateName"] + "".join(secrets.choice(alphabet) for _ in range(5))
        name = metadata.setdefault("name", target.name)
        if target.name and name != target.name:
            raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({target.name})")
        if resource.namespaced:
            if metadata.setdefault("namespace", target.namespace) != target.namespace:
                text = "the namespace of the provided object does not match the namespace sent on the request"
                raise bad_request(text)
        else:
            metadata.pop("namespace", None)
        kind = {"apiVersion": target.group_version, "kind": resource.kind}
        for key, wanted in kind.items():
            if body.get(key) not in (None, wanted):
                raise bad_request(f"{key} in the body is {body[key]!r}, the request is for {wanted!r}")
        return {**body, **kind, "metadata": metadata}


def _check_still_named(wanted: Any, target: Target) -> None:
    """Raise ApiError 400 where a patch took the object its name, or all of it."""
    metadata = wanted.get("metadata") if isinstance(wanted, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not name:
        text = f"the name of the object ({target.name} based on URL) was undeterminable: name must be provided"
        raise bad_request(text)
    if name != target.name:
        raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({target.name})")


def _unsupported(resource: Resource) -> ApiError:
    kinds = [JSON_PATCH, MERGE, APPLY[0]] + ([] if resource.custom else [STRATEGIC])
    text = f"the body of the request was in an unknown format - accepted media types include: {', '.join(kinds)}"
    return ApiError(415, "UnsupportedMediaType", text)
