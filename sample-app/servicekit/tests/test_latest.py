"""The latest value: readers wait for it, skip what they missed, and are let go at the end."""

from __future__ import annotations

import asyncio

from servicekit import Latest


def test_a_waiting_reader_wakes() -> None:
    """A reader that waits is woken by the next value."""

    async def main() -> bool:
        latest: Latest[int] = Latest()
        waiting = asyncio.create_task(latest.after(0, 5))
        await asyncio.sleep(0)
        latest.set(1)
        return await asyncio.wait_for(waiting, 1)

    assert asyncio.run(main())


def test_nothing_new_ends_the_wait() -> None:
    """Without a new value the wait ends with no."""

    async def main() -> bool:
        latest: Latest[int] = Latest()
        latest.set(1)
        return await latest.after(1, 0.01)

    assert not asyncio.run(main())


def test_a_slow_reader_gets_the_newest_only() -> None:
    """Values in between are gone: memory does not grow with slow readers."""
    latest: Latest[int] = Latest()
    for value in range(5):
        latest.set(value)
    assert (latest.revision, latest.value) == (5, 4)


def test_closing_lets_readers_go() -> None:
    """After close, nobody waits: neither who waits already nor who comes later."""

    async def main() -> list[bool]:
        latest: Latest[int] = Latest()
        waiting = asyncio.create_task(latest.after(0, 5))
        await asyncio.sleep(0)
        latest.close()
        return [await asyncio.wait_for(waiting, 1), await asyncio.wait_for(latest.after(0, 5), 1)]

    assert asyncio.run(main()) == [False, False]
