"""What can be configured of the API gateway."""

from __future__ import annotations

from dataclasses import dataclass

from servicekit import ServiceSettings, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(ServiceSettings):
    """Settings of the API gateway, beyond those every service has."""

    simulator_url: str = setting("http://127.0.0.1:8081", "base URL of position-simulator", url=True)
    tracker_url: str = setting("http://127.0.0.1:8082", "base URL of position-tracker", url=True)
    telemetry_url: str = setting("http://127.0.0.1:8083", "base URL of vehicle-telemetry", url=True)
    staff_url: str = setting("http://127.0.0.1:8084", "base URL of staff-service", url=True)
    backend_seconds: float = setting(1.0, "longest time a backend may take", minimum=0.05, maximum=30)
    probe_seconds: float = setting(1.0, "time between two looks at each backend", minimum=0.1, maximum=60)
    frame_seconds: float = setting(0.0, "least time between two frames of a stream", minimum=0, maximum=10)
    most_streams: int = setting(200, "streams served at once", minimum=1, maximum=10_000)
