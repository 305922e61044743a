"""Logs: one JSON object a line on standard output, each with the id of the request it belongs to."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from servicekit.context import request_id


class JsonFormatter(logging.Formatter):
    """Formats a record as JSON; keys given as `extra={"fields": {...}}` are added to it."""

    def __init__(self, service: str, version: str) -> None:
        super().__init__()
        self._fixed = {"service": service, "version": version}

    def format(self, record: logging.LogRecord) -> str:
        """One line: time (UTC, RFC 3339), level, service, version, message and what else is known."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        entry: dict[str, Any] = {"time": time, "level": record.levelname.lower(), **self._fixed}
        entry["message"] = record.getMessage()
        if identifier := request_id():
            entry["request_id"] = identifier
        entry |= getattr(record, "fields", {})
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


def configure_logs(service: str, version: str, level: str) -> None:
    """Send every logger's records, the libraries' too, through the JSON formatter."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(service, version))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("aiohttp", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
