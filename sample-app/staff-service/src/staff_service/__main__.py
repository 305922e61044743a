"""`python -m staff_service`: runs the service."""

from __future__ import annotations

from servicekit import run
from staff_service.app import build
from staff_service.settings import Settings

run("staff_service", Settings, build)
