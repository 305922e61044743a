"""The Prometheus of a cluster in the lab: it reads Envoy's statistics and keeps them under Istio's names and labels.

Source: https://istio.io/latest/docs/reference/config/metrics/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcci.lab.mesh.model import Json

NAMES = {
    "envoy_cluster_upstream_rq": "istio_requests_total",
    "envoy_cluster_upstream_rq_time_bucket": "istio_request_duration_milliseconds_bucket",
    "envoy_cluster_upstream_rq_time_sum": "istio_request_duration_milliseconds_sum",
    "envoy_cluster_upstream_rq_time_count": "istio_request_duration_milliseconds_count",
}
_CLUSTER = r"outbound\|(\d+)\|([^|]*)\|([^/]+)/([^/]+)/svc/.*"  # as `translation` writes it
_LABELS = {
    "destination_service": "$3.$4.svc.cluster.local",
    "destination_service_name": "$3",
    "destination_service_namespace": "$4",
    "destination_workload_namespace": "$4",
    "destination_app": "$3",
    "destination_canonical_service": "$3",
    "destination_canonical_revision": "$2",
    "destination_version": "$2",
}


def prometheus(cluster: str, envoy: str, *, interval: float = 1) -> Json:
    """Return the configuration of the Prometheus that watches `envoy` (`address:port` of its admin pages).

    `interval` is in seconds.
    """
    return {
        "global": {"scrape_interval": f"{round(interval * 1000)}ms", "scrape_timeout": f"{round(interval * 1000)}ms"},
        "scrape_configs": [
            {
                "job_name": "envoy",
                "metrics_path": "/stats/prometheus",
                "static_configs": [{"targets": [envoy], "labels": {"reporter": "source", "source_cluster": cluster}}],
                "metric_relabel_configs": _relabel(),
            }
        ],
    }


def _relabel() -> list[Json]:
    by_name = ["envoy_cluster_name"]
    return [
        {"action": "keep", "source_labels": ["__name__"], "regex": "|".join(NAMES)},
        {"action": "keep", "source_labels": by_name, "regex": _CLUSTER},
        *(
            {"source_labels": by_name, "regex": _CLUSTER, "target_label": label, "replacement": value}
            for label, value in _LABELS.items()
        ),
        {
            "source_labels": ["destination_version"],
            "regex": "",
            "target_label": "destination_version",
            "replacement": "unknown",
        },
        {"source_labels": ["envoy_response_code"], "regex": "(.+)", "target_label": "response_code"},
        *(
            {"source_labels": ["__name__"], "regex": old, "target_label": "__name__", "replacement": new}
            for old, new in NAMES.items()
        ),
        {"action": "labeldrop", "regex": "envoy_.*"},
    ]
