"""Where a route's traffic goes: HTTPRouteDestination and RouteDestination → Envoy's weighted clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcci.lab.mesh.model import cluster_name

if TYPE_CHECKING:
    from mcci.lab.mesh.model import Json, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a route is read: its mesh, its VirtualService's namespace, the port the traffic came in on."""

    world: World
    namespace: str
    port: int

    def cluster(self, destination: Json) -> str:
        """Return Envoy's cluster of a Destination. One that is not in the mesh is unknown to Envoy: it answers 503."""
        host = str(destination.get("host", ""))
        service = self.world.service(host, self.namespace)
        number = (destination.get("port") or {}).get("number")
        if number is None:
            number = service.ports[0].number if service and len(service.ports) == 1 else self.port
        return cluster_name(service.host if service else host, number, destination.get("subset", ""))


def weighted(destinations: list[Json], place: Place) -> Json:
    """Return `cluster`, or `weighted_clusters` where there are several. One without a weight beside others has none."""
    if len(destinations) == 1:
        return {"cluster": place.cluster(destinations[0]["destination"])}
    return {
        "weighted_clusters": {
            "clusters": [
                {"name": place.cluster(each["destination"]), "weight": each.get("weight", 0)} for each in destinations
            ]
        }
    }
