"""What an Envoy of the lab starts with; everything else it reads from files that change under it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.lab.mesh.translation import CLUSTERS, LISTENERS, source

if TYPE_CHECKING:
    from mcci.lab.mesh.model import Json

# upper bounds in milliseconds, those of Istio's own request durations
BUCKETS = [
    0.5,
    1,
    5,
    10,
    25,
    50,
    100,
    250,
    500,
    1000,
    2500,
    5000,
    10000,
    30000,
    60000,
    300000,
    600000,
    1800000,
    3600000,
]


def bootstrap(folder: str, *, node: str, admin: tuple[str, int], source_address: str = "") -> Json:
    """Return the bootstrap of an Envoy with its xDS files in `folder` and its admin pages at `admin`.

    What it sends comes from `source_address`, where one is given.
    """
    address, port = admin
    bound = {"upstream_bind_config": {"source_address": {"address": source_address, "port_value": 0}}}
    return {
        **({"cluster_manager": bound} if source_address else {}),
        "node": {"id": node, "cluster": node},
        "admin": {"address": {"socket_address": {"address": address, "port_value": port}}},
        "dynamic_resources": {
            "lds_config": source(folder, LISTENERS),
            "cds_config": source(folder, CLUSTERS),
        },
        "stats_flush_interval": "1s",  # histograms are a flush behind the counters
        "stats_config": {"histogram_bucket_settings": [{"match": {"prefix": "cluster."}, "buckets": BUCKETS}]},
        "layered_runtime": {
            "layers": [{"name": "static", "static_layer": {"re2": {"max_program_size": {"error_level": 1000}}}}]
        },
    }
