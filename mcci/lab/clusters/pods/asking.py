"""How a probe is asked: an HTTP request, a TCP connection, or a command; "" for a good answer, else why not."""

from __future__ import annotations

import asyncio
import os
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mcci.lab.clusters.pods.model import Probe


async def ask(probe: Probe, execute: Callable[[tuple[str, ...], float], Awaitable[tuple[int, str]]]) -> str:
    """Ask once. gRPC probes are asked no further than whether the port takes connections."""
    action = probe.action
    try:
        if "exec" in action:
            code, output = await asyncio.wait_for(
                execute(tuple(action["exec"]["command"]), probe.timeout), probe.timeout
            )
            return "" if code == 0 else output.strip() or f"exit code {code}"
        if "httpGet" in action:
            return await asyncio.wait_for(_http(probe, action["httpGet"]), probe.timeout)
        port = (action.get("tcpSocket") or action.get("grpc") or {}).get("port", 0)
        return await asyncio.wait_for(_tcp(probe, port), probe.timeout)
    except TimeoutError:
        return "context deadline exceeded"


async def _tcp(probe: Probe, port: int | str) -> str:
    number = probe.ports.get(port, 0) if isinstance(port, str) else port
    try:
        _, writer = await asyncio.open_connection(probe.address, number)
    except OSError as error:
        return f"dial tcp {probe.address}:{number}: {_words(error)}"
    await _close(writer)
    return ""


async def _http(probe: Probe, action: dict[str, Any]) -> str:
    port = action["port"]
    number = probe.ports.get(port, 0) if isinstance(port, str) else port
    host, path = action.get("host") or probe.address, action.get("path") or "/"
    secure = action.get("scheme", "HTTP") == "HTTPS"
    url = f"{'https' if secure else 'http'}://{host}:{number}{path}"
    try:
        reader, writer = await asyncio.open_connection(host, number, ssl=_any_certificate() if secure else None)
    except OSError as error:
        return f'Get "{url}": dial tcp {host}:{number}: {_words(error)}'
    try:
        own = {"Host": f"{host}:{number}", "User-Agent": "kube-probe/mcci-lab", "Accept": "*/*", "Connection": "close"}
        own |= {each["name"]: each["value"] for each in action.get("httpHeaders") or ()}
        head = "".join(f"{name}: {value}\r\n" for name, value in own.items())
        writer.write(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode())
        words = (await reader.readline()).split()
    except OSError as error:
        return f'Get "{url}": {_words(error)}'
    finally:
        await _close(writer)
    if len(words) < 2 or not words[1].isdigit():
        return f'Get "{url}": EOF'
    return "" if 200 <= int(words[1]) < 400 else f"HTTP probe failed with statuscode: {int(words[1])}"


def _any_certificate() -> ssl.SSLContext:
    """Return what takes any certificate, as a kubelet does."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


def _words(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno else str(error).lower()
