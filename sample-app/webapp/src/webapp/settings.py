"""What can be configured of the webapp."""

from __future__ import annotations

from dataclasses import dataclass

from servicekit import ServiceSettings, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(ServiceSettings):
    """Settings of the webapp, beyond those every service has."""

    gateway_url: str = setting("http://127.0.0.1:8080", "base URL of api-gateway", url=True)
    gateway_seconds: float = setting(5.0, "longest time the gateway may take", minimum=0.05, maximum=60)
    public_path: str = setting(
        "/", "path under which the page is reached", pattern=r"/([A-Za-z0-9_~-][A-Za-z0-9._~-]*/)*"
    )
