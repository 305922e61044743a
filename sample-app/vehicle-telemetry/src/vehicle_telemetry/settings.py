"""What can be configured of vehicle-telemetry."""

from __future__ import annotations

from dataclasses import dataclass

from servicekit import ServiceSettings, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(ServiceSettings):
    """Settings of vehicle-telemetry, beyond those every service has."""

    tracker_url: str = setting("http://127.0.0.1:8082", "base URL of position-tracker", url=True)
    tracker_seconds: float = setting(2.0, "longest time the tracker may take", minimum=0.05, maximum=30)
    interval_seconds: float = setting(0.5, "time between two measurements", minimum=0.05, maximum=60)
    forget_seconds: float = setting(60.0, "a vehicle not seen for so long is dropped", minimum=1, maximum=86_400)
