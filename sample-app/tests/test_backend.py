"""The client of other services over real sockets: a backend that is gone, silent, broken or garbled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from localrun.services import free_ports
from servicekit import Backend, BackendError

pytestmark = pytest.mark.service

OK = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"


@asynccontextmanager
async def backend(*sent: bytes, close: bool) -> AsyncIterator[Backend]:
    """A backend that answers each connection with these bytes, then hangs up or falls silent."""
    over = asyncio.Event()
    serving: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.append(task)
        await reader.readuntil(b"\r\n\r\n")
        for piece in sent:
            writer.write(piece)
            await writer.drain()
        if not close:
            await over.wait()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        async with Backend("other", f"http://127.0.0.1:{port}/", timeout=0.3) as client:
            yield client
    finally:
        over.set()
        server.close()
        await server.wait_closed()
        await asyncio.gather(*serving)


async def get(client: Backend) -> None:
    """A plain call."""
    await client.get_json("/x")


async def read(client: Backend) -> None:
    """A stream, read to its end."""
    async with client.stream("/x", accept="*/*", silence=0.3) as stream:
        async for _ in stream.chunks:
            pass


@pytest.mark.parametrize(
    ("sent", "close", "call", "message"),
    [
        ((), False, get, "other did not answer in time"),
        ((), True, get, "other cannot be reached"),
        ((b"\x00\x01garbage\r\n\r\n",), True, get, "other cannot be reached"),
        ((OK, b"content-length: 100\r\n\r\nhalf"), True, get, "other cannot be reached"),
        ((OK, b"content-length: 5\r\n\r\nhello"), True, get, "other answered something that is not JSON"),
        ((OK, b"content-length: 100\r\n\r\nhalf"), True, read, "other cannot be reached"),
        ((OK, b"transfer-encoding: chunked\r\n\r\n4\r\ndata\r\n"), False, read, "other did not answer in time"),
    ],
)
def test_what_goes_wrong_is_told_in_a_sentence(
    sent: tuple[bytes, ...], close: bool, call: Callable[[Backend], Awaitable[None]], message: str
) -> None:
    """Whatever happens on the wire, the caller gets BackendError in good time, without address or internals."""

    async def main() -> None:
        async with backend(*sent, close=close) as client:
            await call(client)

    with pytest.raises(BackendError) as caught:
        asyncio.run(asyncio.wait_for(main(), 10))
    assert str(caught.value) == message


def test_nobody_listens() -> None:
    """A refused connection is a backend that cannot be reached."""

    async def main() -> None:
        async with Backend("other", f"http://127.0.0.1:{free_ports(1)[0]}", timeout=1) as client:
            await client.get("/x")

    with pytest.raises(BackendError, match=r"^other cannot be reached$"):
        asyncio.run(main())


def test_a_stream_arrives_as_it_is_sent() -> None:
    """Pieces come one by one, before the stream has ended, with the status and headers of the answer."""
    pieces = [b"5\r\nfirst\r\n", b"6\r\nsecond\r\n0\r\n\r\n"]

    async def main() -> list[bytes]:
        async with (
            backend(OK, b"transfer-encoding: chunked\r\n\r\n", *pieces, close=False) as client,
            client.stream("/x", accept="text/event-stream", silence=2) as stream,
        ):
            assert (stream.status, stream.headers["content-type"]) == (200, "text/event-stream")
            return [chunk async for chunk in stream.chunks]

    assert b"".join(asyncio.run(asyncio.wait_for(main(), 10))) == b"firstsecond"
