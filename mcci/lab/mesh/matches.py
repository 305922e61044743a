"""HTTPMatchRequest → Envoy's RouteMatch.

Source: https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPMatchRequest
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcci.lab.mesh.model import Json

KNOWN = frozenset(
    {
        "name", "uri", "headers", "withoutHeaders", "queryParams", "method", "authority", "scheme", "ignoreUriCase",
        "gateways", "port",
    }
)  # fmt: skip


def route_match(match: Json) -> Json:
    """Return the RouteMatch of one match; of an empty one, that of every request."""
    found = _path(match.get("uri") or {}, ignore_case=bool(match.get("ignoreUriCase")))
    headers = [_header(name, value) for name, value in (match.get("headers") or {}).items()]
    headers += [
        {**_header(name, value), "invert_match": True} for name, value in (match.get("withoutHeaders") or {}).items()
    ]
    headers += [
        _header(pseudo, match[key])
        for key, pseudo in (("method", ":method"), ("authority", ":authority"), ("scheme", ":scheme"))
        if key in match
    ]
    if headers:
        found["headers"] = headers
    if parameters := match.get("queryParams"):
        found["query_parameters"] = [_parameter(name, value) for name, value in parameters.items()]
    return found


def string_match(value: Json) -> Json:
    """Return Envoy's StringMatcher of Istio's StringMatch."""
    if "regex" in value:
        return {"safe_regex": {"regex": value["regex"]}}
    return {key: value[key] for key in ("exact", "prefix") if key in value}


def _path(uri: Json, *, ignore_case: bool) -> Json:
    if "exact" in uri:
        found: Json = {"path": uri["exact"]}
    elif "regex" in uri:
        return {"safe_regex": {"regex": uri["regex"]}}
    else:
        found = {"prefix": uri.get("prefix", "/")}
    if ignore_case:
        found["case_sensitive"] = False
    return found


def _header(name: str, value: Json) -> Json:
    if not value:
        return {"name": name, "present_match": True}
    return {"name": name, "string_match": string_match(value)}


def _parameter(name: str, value: Json) -> Json:
    if not value:
        return {"name": name, "present_match": True}
    return {"name": name, "string_match": string_match(value)}
