"""A World → the files that Envoy watches (xDS by file).

One file for all listeners, one for all clusters, and one for each route configuration and each cluster's endpoints,
since Envoy takes exactly one of those from a source. A file is named by a hash: Istio's names hold `|`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcci.lab.mesh import clusters, http_routes, listeners

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.lab.mesh.model import Json, World

LISTENERS = "listeners.json"
CLUSTERS = "clusters.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """The files by name, and what of the Istio objects is not in them."""

    files: Mapping[str, str]
    unknown: tuple[str, ...]

    def part(self, kind: str) -> Mapping[str, str]:
        """Return the files of one kind, `routes` or `endpoints`."""
        return {name: text for name, text in self.files.items() if name.startswith(f"{kind}-")}


def translate(world: World, folder: str, gateway: tuple[str, Mapping[int, int]] | None = None) -> Translation:
    """Return what Envoy in `folder` has to read; `gateway` as in `listeners.doors`."""
    files: dict[str, str] = {}
    found: list[Json] = []
    for door in listeners.doors(world, gateway):
        name = _file("routes", door.name)
        if door.routes is not None:
            files[name] = _response([door.routes])
        found.append(listeners.listener(door, source(folder, name)))
    files[LISTENERS] = _response(found)
    found = []
    for cluster, endpoints in clusters.clusters(world):
        name = _file("endpoints", cluster["name"])
        files[name] = _response([endpoints])
        found.append(
            {
                **cluster,
                # a dot would end the name where Envoy reads tags from its statistics
                "alt_stat_name": cluster["name"].replace(".", "/"),
                "eds_cluster_config": {"eds_config": source(folder, name)},
            }
        )
    files[CLUSTERS] = _response(found)
    return Translation(files=files, unknown=_unknown(world))


def static_resources(world: World, gateway: tuple[str, Mapping[int, int]] | None = None) -> Json:
    """Return the same as `static_resources` of a bootstrap: a whole that `envoy --mode validate` can judge."""
    found: list[Json] = []
    for door in listeners.doors(world, gateway):
        made = listeners.listener(door, {})
        if door.routes is not None:
            manager = made["filter_chains"][0]["filters"][0]["typed_config"]
            del manager["rds"]
            manager["route_config"] = _untyped(door.routes) | {"validate_clusters": True}
        found.append(_untyped(made))
    return {
        "listeners": found,
        "clusters": [
            {**_untyped(cluster), "type": "STATIC", "load_assignment": _untyped(endpoints)}
            for cluster, endpoints in clusters.clusters(world)
        ],
    }


def source(folder: str, file: str) -> Json:
    """Return the ConfigSource of a watched file."""
    return {
        "path_config_source": {"path": f"{folder}/{file}", "watched_directory": {"path": folder}},
        "resource_api_version": "V3",
    }


def _untyped(message: Json) -> Json:
    return {key: value for key, value in message.items() if key != "@type"}


def _file(kind: str, name: str) -> str:
    return f"{kind}-{hashlib.sha256(name.encode()).hexdigest()[:16]}.json"


def _response(resources: list[Json]) -> str:
    text = json.dumps(resources, sort_keys=True)
    return json.dumps({"version_info": hashlib.sha256(text.encode()).hexdigest()[:12], "resources": resources})


def _unknown(world: World) -> tuple[str, ...]:
    found = []
    for virtual in world.virtual_services:
        name = f"VirtualService {virtual['metadata']['name']}"
        found += [
            f"{name}: http.{key}" for route in virtual["spec"].get("http") or [] for key in http_routes.unknown(route)
        ]
        found += [f"{name}: tls"] if virtual["spec"].get("tls") else []
    for rule in world.destination_rules:
        found += [f"DestinationRule {rule['metadata']['name']}: {key}" for key in clusters.unknown(rule)]
    return tuple(dict.fromkeys(found))
