"""What can be configured of the position tracker."""

from __future__ import annotations

from dataclasses import dataclass

from servicekit import ServiceSettings, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(ServiceSettings):
    """Settings of the position tracker, beyond those every service has."""

    most_vehicles: int = setting(5000, "vehicles kept at most", minimum=1, maximum=100_000)
    trail_points: int = setting(180, "points kept of each vehicle's trail", minimum=2, maximum=10_000)
    trail_seconds: float = setting(1.0, "least time between two points of a trail", minimum=0.0, maximum=3600)
    forget_seconds: float = setting(60.0, "a vehicle not heard of for so long is dropped", minimum=1, maximum=86_400)
