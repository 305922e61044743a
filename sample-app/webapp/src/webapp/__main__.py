"""`python -m webapp`: runs the service."""

from __future__ import annotations

from servicekit import run
from webapp.app import build
from webapp.settings import Settings

run("webapp", Settings, build)
