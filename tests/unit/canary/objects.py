"""VirtualServices and states for the canary's tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from mcci.canary.state import Actor

V1, V2, V3 = "v1111111111", "v2222222222", "v3333333333"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ANNA = Actor(
    who="anna", pipeline=7, pipeline_url="https://gitlab.example.com/p/7", job_url="https://gitlab.example.com/j/1"
)


def destination(subset: str, weight: int | None = None, host: str = "staff-service.vehicles.svc.cluster.local") -> Any:
    """A destination of a route, as the chart `istio` writes it."""
    found: dict[str, Any] = {"destination": {"host": host, "subset": subset}}
    return found if weight is None else {**found, "weight": weight}


def virtual_service(
    weights: dict[str, int], *, tcp: bool = False, testers: str = "", extra: Any = ()
) -> dict[str, Any]:
    """The VirtualService of `staff-service` with one route (and `extra` ones behind it)."""
    route: dict[str, Any] = {"route": [destination(version, weight) for version, weight in weights.items()]}
    if not tcp:
        route["name"] = "primary"
    first = [
        {
            "name": "primary-testers",
            "match": [{"headers": {"x-canary": {"exact": "always"}}}],
            "route": [destination(testers)],
        }
    ]
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "staff-service", "namespace": "vehicles", "labels": {"app": "staff-service"}},
        "spec": {
            "hosts": ["staff-service.vehicles.svc.cluster.local"],
            ("tcp" if tcp else "http"): [*(first if testers else []), route, *extra],
        },
    }
