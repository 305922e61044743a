"""The fleet's motion, kept up to date from the tracker's frames."""

from __future__ import annotations

import json
import logging
from typing import Any

from servicekit import Backend, BackendError, follow
from vehicle_telemetry.motion import Motion, advance

logger = logging.getLogger(__name__)
MICRO = 1e-6


class Fleet:
    """Motion by vehicle, bounded by what the tracker knows."""

    def __init__(self, tracker: Backend, *, interval: float, forget_seconds: float) -> None:
        self.motions: dict[str, Motion] = {}
        self._tracker = tracker
        self._interval = interval
        self._forget_seconds = forget_seconds
        self._fleet = ""
        self._vehicles: list[str] = []
        self._lost = False

    async def run(self) -> None:
        """Follow the tracker for ever; while it is lost, what is known stays known."""
        async for body in follow(self._tracker, "/positions", interval=self._interval, on_state=self._on_state):
            try:
                await self.measure(json.loads(body))
            except BackendError as error:
                logger.warning("frame left out: %s", error)
            except (ValueError, KeyError, TypeError):
                logger.warning("frame left out: it is not what position-tracker sends")

    async def measure(self, frame: dict[str, Any]) -> None:
        """Take one frame; asks the tracker for names when the fleet is another. Raises BackendError."""
        if frame["fleet"] != self._fleet:
            names = await self._tracker.get_json("/vehicles")
            self._fleet, self._vehicles = names["fleet"], names["vehicles"]
            if frame["fleet"] != self._fleet:
                return
        at, flat = frame["at"], frame["positions"]
        for vehicle, lon, lat in zip(self._vehicles, flat[::2], flat[1::2], strict=True):
            known = self.motions.get(vehicle)
            lon_degrees, lat_degrees = lon * MICRO, lat * MICRO
            if known is None:
                self.motions[vehicle] = Motion(lon=lon_degrees, lat=lat_degrees, at=at)
            else:
                self.motions[vehicle] = advance(known, lon_degrees, lat_degrees, at)
        self._forget(at)

    def _forget(self, now: float) -> None:
        current = set(self._vehicles)
        limit = now - self._forget_seconds
        for vehicle in [name for name, seen in self.motions.items() if name not in current and seen.at < limit]:
            del self.motions[vehicle]

    def _on_state(self, error: BackendError | None) -> None:
        if (error is not None) != self._lost:
            self._lost = error is not None
            logger.warning("tracker lost: %s", error) if error else logger.info("tracker is back")
