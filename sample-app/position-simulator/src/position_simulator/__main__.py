"""`python -m position_simulator`: runs the service."""

from __future__ import annotations

from position_simulator.app import build
from position_simulator.settings import Settings
from servicekit import run

run("position_simulator", Settings, build)
