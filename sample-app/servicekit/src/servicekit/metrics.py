"""Prometheus metrics: requests by route, status and version, their duration, and which version this is."""

from __future__ import annotations

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from starlette.responses import Response

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """One service's registry; services add their own metrics to `registry`."""

    def __init__(self, service: str, version: str, cloud: str) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        info = Gauge(
            "service_info",
            "Always 1; says which version runs where",
            ("service", "version", "cloud"),
            registry=self.registry,
        )
        info.labels(service, version, cloud).set(1)
        self._version = version
        self._requests = Counter(
            "http_requests", "Requests answered", ("method", "route", "status", "version"), registry=self.registry
        )
        self._seconds = Histogram(
            "http_request_duration_seconds",
            "Time to answer",
            ("route", "version"),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.in_flight = Gauge("http_requests_in_flight", "Requests being answered", registry=self.registry)

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self._requests.labels(method, route, str(status), self._version).inc()
        self._seconds.labels(route, self._version).observe(seconds)

    def response(self) -> Response:
        """All metrics in Prometheus' text format."""
        return Response(generate_latest(self.registry), headers={"content-type": CONTENT_TYPE_LATEST})
