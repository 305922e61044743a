"""`python -m vehicle_telemetry`: runs the service."""

from __future__ import annotations

from servicekit import run
from vehicle_telemetry.app import build
from vehicle_telemetry.settings import Settings

run("vehicle_telemetry", Settings, build)
