"""The listening socket."""

from __future__ import annotations

import asyncio
import socket

import pytest

from servicekit.server import bind


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_answers_do_not_wait_for_acknowledgements(address: str) -> None:
    """Connections accepted from our socket have TCP_NODELAY: without it an answer in two writes takes 40 ms."""

    async def main() -> int:
        accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        class Protocol(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                connection = transport.get_extra_info("socket")
                accepted.set_result(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
                transport.close()

        listener = bind(address, 0)
        server = await asyncio.get_running_loop().create_server(Protocol, sock=listener)
        _, writer = await asyncio.open_connection(address, listener.getsockname()[1])
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()
        return await accepted

    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            probe.bind((address, 0))
    except OSError:
        pytest.skip(f"this machine has no {address}")
    assert asyncio.run(asyncio.wait_for(main(), 5)) != 0
