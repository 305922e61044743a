"""Requests at a constant rate, whatever the answers are: a slow service does not slow its callers (an open loop)."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

KEPT = 100_000  # answers that are remembered
TIMEOUT = 10.0  # seconds until a request has failed
AT_ONCE = 200  # connections


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One request: when it was sent (`time.time`), its status (0: no answer), how long it took, who answered."""

    at: float
    status: int
    seconds: float
    version: str = ""
    error: str = ""

    @property
    def failed(self) -> bool:
        """Whether a person would have seen an error."""
        return self.status == 0 or self.status >= 500


@dataclass(slots=True, kw_only=True)
class Tally:
    """What has been answered so far."""

    sent: int = 0
    failed: int = 0
    first_failure: str = ""
    by_version: Counter[str] = field(default_factory=Counter)
    by_status: Counter[int] = field(default_factory=Counter)


class Load:
    """Sends GETs from a thread of its own, from `with` to its end."""

    def __init__(self, url: str, *, rate: float, headers: Mapping[str, str] | None = None, kept: int = KEPT) -> None:
        """`rate` is in requests a second; so many answers are `kept`. The answers' JSON says in `version` who did."""
        self.url = url
        self.rate = rate
        self.tally = Tally()
        self.begun = 0.0  # time.monotonic
        self.answers: deque[Answer] = deque(maxlen=kept)
        self._headers = dict(headers or {})
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name=f"load {url}", daemon=True)

    def since(self, moment: float) -> list[Answer]:
        """Return the answers to what was sent at `moment` (`time.time`) or later."""
        return [answer for answer in list(self.answers) if answer.at >= moment]

    async def _run(self) -> None:
        import httpx

        limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
        async with httpx.AsyncClient(limits=limits, timeout=TIMEOUT, headers=self._headers) as client:
            begun, number = time.monotonic(), 0
            running: set[asyncio.Task[None]] = set()
            while not self._stop.is_set():
                task = asyncio.create_task(self._ask(client))
                running.add(task)
                task.add_done_callback(running.discard)
                number += 1
                await asyncio.sleep(max(0.0, begun + number / self.rate - time.monotonic()))
            await asyncio.gather(*running)

    async def _ask(self, client: httpx.AsyncClient) -> None:
        import httpx

        at, begun = time.time(), time.monotonic()
        try:
            answer = await client.get(self.url)
        except httpx.HTTPError as error:
            self._count(Answer(at=at, status=0, seconds=time.monotonic() - begun, error=repr(error)))
        else:
            seconds = time.monotonic() - begun
            self._count(Answer(at=at, status=answer.status_code, seconds=seconds, version=_version(answer.content)))

    def _count(self, answer: Answer) -> None:
        self.answers.append(answer)
        self.tally.sent += 1
        self.tally.failed += answer.failed
        if answer.failed and not self.tally.first_failure:
            self.tally.first_failure = f"HTTP {answer.status}" if answer.status else answer.error
        self.tally.by_status[answer.status] += 1
        self.tally.by_version[answer.version] += 1

    def start(self) -> None:
        """Begin to send."""
        self.begun = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Send no more, and wait for what is under way."""
        self._stop.set()
        self._thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _version(body: bytes) -> str:
    try:
        found = json.loads(body)
    except ValueError:
        return ""
    return str(found.get("version", "")) if isinstance(found, dict) else ""
