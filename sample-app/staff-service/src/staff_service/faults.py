"""Version v3's faults: a canary must have something to find."""

from __future__ import annotations

import asyncio
import logging
import os
from random import Random

from servicekit import Problem
from staff_service.settings import Settings

logger = logging.getLogger(__name__)
CRASH_EXIT_CODE = 139


class Faults:
    """Errors, slow answers and a crash, in shares and times that are configured."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._random = Random(settings.fault_seed)

    async def strike(self) -> None:
        """Called before each answer: perhaps wait, perhaps raise Problem 500."""
        slow, error = self._random.random(), self._random.random()
        if slow < self._settings.fault_slow_share:
            await asyncio.sleep(self._settings.fault_slow_seconds)
        if error < self._settings.fault_error_share:
            raise Problem(500, "the roster cannot be read")

    async def crash_later(self) -> None:
        """End the process without a farewell, as a crash does; never when the time is 0."""
        if self._settings.fault_crash_after_seconds:
            await asyncio.sleep(self._settings.fault_crash_after_seconds)
            logger.critical("crashing, as configured")
            os._exit(CRASH_EXIT_CODE)
