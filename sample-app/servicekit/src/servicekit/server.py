"""Serving with an end: on SIGTERM not ready first, then no new connections, then the last answer, then exit 0."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import signal
import socket
from collections.abc import Iterator

import uvicorn
from starlette.applications import Starlette

from servicekit.app import Service

logger = logging.getLogger(__name__)


class Server(uvicorn.Server):
    """uvicorn, but a signal drains first and a drained server has succeeded: no re-raised signal, exit code 0."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service
        service.lifecycle.on_drain(self._begin_drain)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Drain on the first SIGTERM or SIGINT; the second cuts the time of draining short."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def _on_signal(self) -> None:
        if self._service.lifecycle.draining.is_set():
            self._stop()
        self._service.lifecycle.drain()

    def _begin_drain(self) -> None:
        logger.info("draining", extra={"fields": {"seconds": self._service.settings.drain_seconds}})
        asyncio.get_running_loop().call_later(self._service.settings.drain_seconds, self._stop)

    def _stop(self) -> None:
        self.should_exit = True


def bind(address: str, port: int) -> socket.socket:
    """A bound socket; raises OSError when the address or port cannot be had."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # With its protocol named: asyncio sets TCP_NODELAY only then, and without it answers wait 40 ms for an ACK.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((address, port))
    except BaseException:
        bound.close()
        raise
    return bound


def serve(app: Starlette, service: Service, listener: socket.socket) -> int:
    """Serve until told to stop; answers the exit code: 0 when drained, 1 when the service broke or never started."""
    config = uvicorn.Config(
        app,
        http="h11",  # refuses a header without end; httptools, where somebody has it, waits for that
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=math.ceil(service.settings.shutdown_seconds),
    )
    port = listener.getsockname()[1]
    logger.info("listening", extra={"fields": {"port": port, **service.identity}})
    server = Server(config, service)
    server.run(sockets=[listener])
    return 0 if server.started and not service.lifecycle.failed else 1
