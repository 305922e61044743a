"""HTTPRoute → Envoy's routes: one for each match.

Source: https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRoute
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.lab.mesh import matches
from mcci.lab.mesh.destinations import Place, weighted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcci.lab.mesh.model import Json

KNOWN = frozenset(
    {
        "name", "match", "route", "redirect", "directResponse", "rewrite", "timeout", "retries", "fault", "mirror",
        "mirrorPercentage", "headers",
    }
)  # fmt: skip
# What Istio does where a route says nothing of retries: none of them sends a request again that a pod has seen.
RETRY_ON = "connect-failure,refused-stream,unavailable,cancelled"
ATTEMPTS = 2
FAULT = "envoy.filters.http.fault"


def routes(route: Json, place: Place, *, gateway: str) -> Iterator[Json]:
    """Give Envoy's routes for one HTTPRoute, as seen by `gateway` (`mesh` for the services themselves)."""
    found = route.get("match") or [{}]
    wanted = [match for match in found if not match.get("gateways") or gateway in match["gateways"]]
    for match in wanted:
        if match.get("port") not in (None, place.port):
            continue
        yield _named(route, {"match": matches.route_match(match), **_action(route, place), **_filters(route)})


def unknown(route: Json) -> list[str]:
    """Return the fields of a route that are not translated."""
    found = sorted(route.keys() - KNOWN)
    for match in route.get("match") or []:
        found += [f"match.{key}" for key in sorted(match.keys() - matches.KNOWN)]
    return found


def _named(route: Json, found: Json) -> Json:
    found |= _headers(route.get("headers") or {})
    return {"name": route["name"], **found} if route.get("name") else found


def _action(route: Json, place: Place) -> Json:
    if redirect := route.get("redirect"):
        return {"redirect": _redirect(redirect)}
    if response := route.get("directResponse"):
        body = (response.get("body") or {}).get("string")
        return {
            "direct_response": {"status": response["status"], **({"body": {"inline_string": body}} if body else {})}
        }
    action = {
        **weighted(route.get("route") or [], place),
        "timeout": route.get("timeout", "0s"),
        "retry_policy": _retries(route.get("retries")),
    }
    if uri := (route.get("rewrite") or {}).get("uri"):
        action["prefix_rewrite"] = uri
    if authority := (route.get("rewrite") or {}).get("authority"):
        action["host_rewrite_literal"] = authority
    if mirror := route.get("mirror"):
        share = (route.get("mirrorPercentage") or {}).get("value", 100)
        action["request_mirror_policies"] = [
            {"cluster": place.cluster(mirror), "runtime_fraction": {"default_value": _percent(share)}}
        ]
    return {"route": action}


def _retries(retries: Json | None) -> Json:
    retries = {"attempts": ATTEMPTS} if retries is None else retries
    found: Json = {
        "retry_on": retries.get("retryOn") or RETRY_ON,
        "num_retries": retries.get("attempts", ATTEMPTS),
        "retry_host_predicate": [
            {
                "name": "envoy.retry_host_predicates.previous_hosts",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
                },
            }
        ],
        "host_selection_retry_max_attempts": 5,
    }
    if "perTryTimeout" in retries:
        found["per_try_timeout"] = retries["perTryTimeout"]
    return found


def _redirect(redirect: Json) -> Json:
    codes = {
        301: "MOVED_PERMANENTLY",
        302: "FOUND",
        303: "SEE_OTHER",
        307: "TEMPORARY_REDIRECT",
        308: "PERMANENT_REDIRECT",
    }
    found: Json = {"response_code": codes[redirect.get("redirectCode", 301)]}
    for key, name in (("uri", "path_redirect"), ("authority", "host_redirect"), ("scheme", "scheme_redirect")):
        if key in redirect:
            found[name] = redirect[key]
    if "port" in redirect:
        found["port_redirect"] = redirect["port"]
    return found


def _filters(route: Json) -> Json:
    fault = route.get("fault")
    if not fault:
        return {}
    found: Json = {"@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault"}
    if abort := fault.get("abort"):
        found["abort"] = {"http_status": abort["httpStatus"], "percentage": _percent(_share(abort))}
    if delay := fault.get("delay"):
        found["delay"] = {"fixed_delay": delay["fixedDelay"], "percentage": _percent(_share(delay))}
    return {"typed_per_filter_config": {FAULT: found}}


def _share(fault: Json) -> float:
    return float((fault.get("percentage") or {}).get("value", 100))


def _percent(value: float) -> Json:
    return {"numerator": round(value * 10_000), "denominator": "MILLION"}


def _headers(headers: Json) -> Json:
    found: Json = {}
    for side in ("request", "response"):
        change = headers.get(side) or {}
        added = [
            {"header": {"key": key, "value": value}, "append_action": action}
            for verb, action in (("set", "OVERWRITE_IF_EXISTS_OR_ADD"), ("add", "APPEND_IF_EXISTS_OR_ADD"))
            for key, value in (change.get(verb) or {}).items()
        ]
        if added:
            found[f"{side}_headers_to_add"] = added
        if change.get("remove"):
            found[f"{side}_headers_to_remove"] = list(change["remove"])
    return found
