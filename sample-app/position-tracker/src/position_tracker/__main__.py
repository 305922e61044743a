"""`python -m position_tracker`: runs the service."""

from __future__ import annotations

from position_tracker.app import build
from position_tracker.settings import Settings
from servicekit import run

run("position_tracker", Settings, build)
