"""`python -m api_gateway`: runs the service."""

from __future__ import annotations

from api_gateway.app import build
from api_gateway.settings import Settings
from servicekit import run

run("api_gateway", Settings, build)
