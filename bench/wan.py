"""A link with a delay: what is sent through it arrives so many seconds later, as over an ocean."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def links(ports: list[int], round_trip: float) -> Iterator[list[int]]:
    """Give a port for each of `ports` on this machine; through it every round trip takes `round_trip` seconds more.

    A connection takes one round trip to be made, as TCP's handshake does.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def serve(port: int) -> asyncio.Server:
        async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(asyncio.CancelledError):
                await _join(reader, writer, port, round_trip)

        return await asyncio.start_server(join, "127.0.0.1", 0)

    async def end() -> None:
        for server in servers:
            server.close()
        ending = asyncio.all_tasks() - {asyncio.current_task()}
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    servers: list[asyncio.Server] = []
    try:
        servers += [asyncio.run_coroutine_threadsafe(serve(port), loop).result() for port in ports]
        yield [server.sockets[0].getsockname()[1] for server in servers]
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, round_trip: float) -> None:
    await asyncio.sleep(round_trip)
    to_reader, to_writer = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.gather(_pass(reader, to_writer, round_trip / 2), _pass(to_reader, writer, round_trip / 2))


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Pass on what comes, each piece `delay` after it came, however many are under way."""
    queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    async def read() -> None:
        data = b"-"
        while data:
            with suppress(ConnectionError):
                data = b""
                data = await reader.read(65536)
            queue.put_nowait((loop.time() + delay, data))

    reading = asyncio.create_task(read())
    while True:
        at, data = await queue.get()
        await asyncio.sleep(max(0.0, at - loop.time()))
        with suppress(ConnectionError):
            if not data:
                writer.close()
                break
            writer.write(data)
            await writer.drain()
    await reading
