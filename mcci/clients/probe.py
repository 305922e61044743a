"""Whether a service answers: one HTTP request, or one TCP connection where it speaks something else."""

from __future__ import annotations

import socket

TIMEOUT = 2.0  # seconds: a health endpoint that takes longer is not well


def answers(host: str, port: int, path: str) -> str:
    """Return "" when `path` answers 2xx there, or when a connection is taken where `path` is empty; else why not."""
    return _http(host, port, path) if path else _tcp(host, port)


def _http(host: str, port: int, path: str) -> str:
    import http.client

    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    try:
        connection.request("GET", path)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException, ValueError) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()
    return "" if 200 <= status < 300 else f"HTTP {status}"


def _tcp(host: str, port: int) -> str:
    try:
        socket.create_connection((host, port), timeout=TIMEOUT).close()
    except OSError as error:
        return str(error) or type(error).__name__
    return ""
