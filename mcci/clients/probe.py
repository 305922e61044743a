"""Whether a service answers: one HTTP request, or one TCP connection where it speaks something else."""

from __future__ import annotations

import socket

TIMEOUT = 2.0  # seconds: a health endpoint that takes longer is not well


def answers(host: str, port: int, path: str) -> str:
    """Return "" when `path` answers 2xx there, or when a connection is taken where `path` is empty; else why not."""
    return _http(host, port, path) if path else _tcp(host, port)


def status(host: str, port: int, path: str) -> int:
    """Return the status that `path` answers there; 0 where nothing does."""
    import http.client

    try:
        return _status(host, port, path)
    except (OSError, http.client.HTTPException, ValueError):
        return 0


def _http(host: str, port: int, path: str) -> str:
    import http.client

    try:
        found = _status(host, port, path)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return str(error) or type(error).__name__
    return "" if 200 <= found < 300 else f"HTTP {found}"


def _status(host: str, port: int, path: str) -> int:
    import http.client

    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def _tcp(host: str, port: int) -> str:
    try:
        socket.create_connection((host, port), timeout=TIMEOUT).close()
    except OSError as error:
        return str(error) or type(error).__name__
    return ""
