"""Reporting: the fleet's positions, posted to the tracker at a steady rate."""

from __future__ import annotations

import asyncio
import json
import logging
import time

from prometheus_client import Counter

from position_simulator.fleet import Fleet
from servicekit import Backend, BackendError, Service

logger = logging.getLogger(__name__)
PAUSE_WHEN_LOST = 0.5


class Reporter:
    """Moves the fleet and reports it. Journeys go on while the tracker is lost."""

    def __init__(self, service: Service, fleet: Fleet, tracker: Backend, rate: float) -> None:
        self._fleet = fleet
        self._tracker = tracker
        self._step = 1 / rate
        self._lost = False
        self._reports = Counter("reports", "Reports sent", ("outcome",), registry=service.metrics.registry)

    async def run(self) -> None:
        """Report for ever, each step once; steps that a slow tracker made late are driven, not reported."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            await self.report()
            due += self._step
            if self._lost:
                await asyncio.sleep(PAUSE_WHEN_LOST)
            while due + self._step < loop.time():
                due += self._step
                self._fleet.move(self._step)
            self._fleet.move(self._step)
            await asyncio.sleep(due - loop.time())

    async def report(self) -> None:
        """Send the positions of now; a tracker that cannot take them is said once."""
        body = json.dumps({"at": round(time.time(), 3), "positions": self._fleet.positions()}, separators=(",", ":"))
        try:
            await self._tracker.request("POST", "/positions", content=body.encode())
        except BackendError as error:
            self._reports.labels("failed").inc()
            if not self._lost:
                logger.warning("tracker lost: %s", error)
            self._lost = True
        else:
            self._reports.labels("taken").inc()
            if self._lost:
                logger.info("tracker is back")
            self._lost = False
