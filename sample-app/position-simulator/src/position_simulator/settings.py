"""What can be configured of the position simulator."""

from __future__ import annotations

from dataclasses import dataclass

from servicekit import ServiceSettings, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(ServiceSettings):
    """Settings of the position simulator, beyond those every service has."""

    tracker_url: str = setting("http://127.0.0.1:8082", "base URL of position-tracker", url=True)
    vehicles: int = setting(60, "how many vehicles drive", minimum=1, maximum=5000)
    seed: int = setting(7, "same seed, same roads and same journeys", minimum=0, maximum=2**31)
    updates_per_second: float = setting(10.0, "reports sent a second", minimum=0.1, maximum=60)
    report_seconds: float = setting(2.0, "longest time one report may take", minimum=0.05, maximum=30)
