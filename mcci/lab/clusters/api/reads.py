"""GET of one object and of lists, page by page."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.api.selectors import selects
from mcci.lab.clusters.status import ApiError, bad_request, not_found

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.lab.clusters.api.targets import Target
    from mcci.lab.clusters.resources import Resource
    from mcci.lab.clusters.store import Store

Object = dict[str, Any]


def get(store: Store, resource: Resource, target: Target) -> Object:
    """Return one object. Raises ApiError 404."""
    found = store.get(resource, target.name, target.namespace)
    if found is None:
        raise not_found(resource.plural, resource.group, target.name)
    return found


def page(store: Store, resource: Resource, namespace: str, query: Mapping[str, str]) -> tuple[list[Object], Object]:
    """Return a list's objects and metadata: all, or `limit` of them and how to continue. Raises ApiError 400, 410."""
    test = selects(resource.kind, query.get("labelSelector", ""), query.get("fieldSelector", ""))
    items, revision = store.snapshot(resource, namespace)
    items = [item for item in items if test(item)]
    if query.get("continue"):
        revision, after = _read(query["continue"], store.oldest)
        items = [item for item in items if _place(item) > after]
    limit = query.get("limit", "0")
    version = query.get("resourceVersion") or "0"
    if not limit.isdigit() or not version.isdigit():
        raise bad_request(f"limit {limit!r} and resourceVersion {version!r} must be numbers")
    count = int(limit) or len(items)
    metadata: Object = {"resourceVersion": str(revision)}
    if count < len(items):
        metadata["continue"] = _token(revision, items[count - 1])
        if not query.get("labelSelector") and not query.get("fieldSelector"):
            metadata["remainingItemCount"] = len(items) - count
    return items[:count], metadata


def _place(item: Object) -> list[str]:
    return [item["metadata"].get("namespace", ""), item["metadata"]["name"]]


def _token(revision: int, last: Object) -> str:
    text = json.dumps({"v": "meta.k8s.io/v1", "rv": revision, "start": _place(last)})
    return base64.urlsafe_b64encode(text.encode()).decode()


def _read(token: str, oldest: int) -> tuple[int, list[str]]:
    try:
        parsed = json.loads(base64.urlsafe_b64decode(token))
        revision, start = int(parsed["rv"]), list(parsed["start"])
    except (KeyError, TypeError, ValueError) as error:
        raise bad_request(f"continue key is not valid: {error}") from error
    if revision < oldest:
        text = "The provided continue parameter is too old to display a consistent list result."
        raise ApiError(410, "Expired", f"{text} You can start a new list without the continue parameter.")
    return revision, start
