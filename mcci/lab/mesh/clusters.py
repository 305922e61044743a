"""Services, their subsets and the DestinationRules' policies → Envoy's clusters, and their endpoints.

Source: https://istio.io/latest/docs/reference/config/networking/destination-rule/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.lab.mesh.model import cluster_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcci.lab.mesh.model import Json, Port, Service, World

TYPE = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
ENDPOINTS = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
UNLIMITED = 4294967295  # Istio's default for every threshold
BALANCERS = {
    "ROUND_ROBIN": "ROUND_ROBIN", "RANDOM": "RANDOM", "LEAST_REQUEST": "LEAST_REQUEST", "LEAST_CONN": "LEAST_REQUEST",
    "UNSPECIFIED": "LEAST_REQUEST",
}  # fmt: skip
KNOWN = {
    "": {"connectionPool", "outlierDetection", "loadBalancer", "tls"},
    "loadBalancer": {"simple"},
    "outlierDetection": {
        "consecutive5xxErrors", "consecutiveGatewayErrors", "interval", "baseEjectionTime", "maxEjectionPercent",
        "minHealthPercent",
    },
    "tls": {"mode"},
}  # fmt: skip


def clusters(world: World) -> Iterator[tuple[Json, Json]]:
    """Give each cluster with its endpoints: every port of every service, whole and by subset."""
    for service in world.services:
        rule = rule_of(world, service)
        spec = rule.get("spec", {}) if rule else {}
        for port in service.ports:
            for subset in [{}, *spec.get("subsets", [])]:
                policy = {**(spec.get("trafficPolicy") or {}), **(subset.get("trafficPolicy") or {})}
                name = cluster_name(service.host, port.number, subset.get("name", ""))
                yield _cluster(name, policy), _endpoints(name, world, service, port, subset.get("labels") or {})


def rule_of(world: World, service: Service) -> Json | None:
    """Return the DestinationRule of a service; the first, where there are several."""
    for rule in world.destination_rules:
        if world.service(rule["spec"].get("host", ""), rule["metadata"].get("namespace", "")) == service:
            return rule
    return None


def unknown(rule: Json) -> list[str]:
    """Return the fields of a rule's policies that are not translated."""
    found = []
    spec = rule["spec"]
    for policy in [
        spec.get("trafficPolicy") or {},
        *[each.get("trafficPolicy") or {} for each in spec.get("subsets", [])],
    ]:
        found += [key for key in policy if key not in KNOWN[""]]
        found += [
            f"{key}.{inner}"
            for key, known in KNOWN.items()
            if key
            for inner in policy.get(key) or {}
            if inner not in known
        ]
        if (policy.get("tls") or {}).get("mode") not in (None, "DISABLE", "ISTIO_MUTUAL"):
            found.append("tls.mode")
    return sorted(set(found))


def _cluster(name: str, policy: Json) -> Json:
    pool = policy.get("connectionPool") or {}
    tcp, http = pool.get("tcp") or {}, pool.get("http") or {}
    outlier = policy.get("outlierDetection")
    found: Json = {
        "@type": TYPE,
        "name": name,
        "type": "EDS",
        "connect_timeout": tcp.get("connectTimeout", "10s"),
        "lb_policy": BALANCERS[(policy.get("loadBalancer") or {}).get("simple", "UNSPECIFIED")],
        "circuit_breakers": {
            "thresholds": [
                {
                    "max_connections": tcp.get("maxConnections", UNLIMITED),
                    "max_pending_requests": http.get("http1MaxPendingRequests", UNLIMITED),
                    "max_requests": http.get("http2MaxRequests", UNLIMITED),
                    "max_retries": http.get("maxRetries", UNLIMITED),
                }
            ]
        },
        "common_lb_config": {"healthy_panic_threshold": {"value": (outlier or {}).get("minHealthPercent", 0)}},
    }
    if outlier is not None:
        found["outlier_detection"] = _outlier(outlier)
    return found


def _outlier(outlier: Json) -> Json:
    found: Json = {
        "enforcing_success_rate": 0,
        "interval": outlier.get("interval", "10s"),
        "base_ejection_time": outlier.get("baseEjectionTime", "30s"),
        "max_ejection_percent": outlier.get("maxEjectionPercent", 10),
    }
    errors, gateway = outlier.get("consecutive5xxErrors", 5), outlier.get("consecutiveGatewayErrors", 0)
    if errors:
        found |= {"consecutive_5xx": errors, "enforcing_consecutive_5xx": 100}
    else:
        found["enforcing_consecutive_5xx"] = 0
    if gateway:
        found |= {"consecutive_gateway_failure": gateway, "enforcing_consecutive_gateway_failure": 100}
    return found


def _endpoints(name: str, world: World, service: Service, port: Port, labels: Json) -> Json:
    chosen = [pod for pod in world.pods if service.selects(pod) and labels.items() <= pod.labels.items()]
    numbers = [(pod, pod.port(port.target)) for pod in chosen]
    return {
        "@type": ENDPOINTS,
        "cluster_name": name,
        "endpoints": [
            {
                "lb_endpoints": [
                    {"endpoint": {"address": {"socket_address": {"address": pod.address, "port_value": number}}}}
                    for pod, number in sorted(numbers, key=lambda each: (each[0].cluster, each[0].name))
                    if number is not None
                ]
            }
        ],
    }
