"""What can be configured of staff-service."""

from __future__ import annotations

from dataclasses import dataclass

from servicekit import ServiceSettings, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(ServiceSettings):
    """Settings of staff-service, beyond those every service has. The faults are version v3's alone."""

    service_version: str = setting("v1", "the version this copy is", choices=("v1", "v2", "v3"))
    roster_size: int = setting(5000, "vehicles that have a driver: v-0001 to this", minimum=1, maximum=1_000_000)
    fault_error_share: float = setting(0.2, "share of requests that v3 answers with 500", minimum=0, maximum=1)
    fault_slow_share: float = setting(0.3, "share of requests that v3 answers late", minimum=0, maximum=1)
    fault_slow_seconds: float = setting(1.5, "how late that is", minimum=0, maximum=60)
    fault_crash_after_seconds: float = setting(0.0, "v3 crashes after so long; 0: never", minimum=0, maximum=86_400)
    fault_seed: int = setting(3, "same seed, same sequence of faults", minimum=0, maximum=2**31)
