"""The events of Docker's API, one by one: log lines, steps, layers on their way, and errors among them.

Source: https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Image/operation/ImageBuild
"""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Any

from mcci.clients.engines.failures import told
from mcci.clients.engines.model import Emit, Event, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

TAIL = 40  # lines
_STEP = re.compile(r"Step (\d+)/(\d+) : (.*)", re.DOTALL)
_TRANSFERS = frozenset({"Pushing", "Downloading", "Extracting", "Pushed", "Layer already exists", "Pull complete"})
_RETURNED = re.compile(r"returned a non-zero code: \d+")


class Reader:
    """Reads one stream of events: `image` is the id of what was built, `digest` of what was pushed."""

    def __init__(self, what: str, emit: Emit) -> None:
        self.image = ""
        self.digest = ""
        self._what = what
        self._emit = emit
        self._tail: deque[str] = deque(maxlen=TAIL)
        self._rest = ""

    @property
    def tail(self) -> tuple[str, ...]:
        """The log's last lines."""
        return (*self._tail, *([self._rest] if self._rest.strip() else []))

    def read(self, event: Mapping[str, Any]) -> None:
        """Take one event in. Raises the error that it tells of."""
        if "error" in event or "errorDetail" in event:
            said = str(
                (event.get("errorDetail") or {}).get("message") or event.get("error") or "the engine did not say why"
            )
            raise told(self._what, said, self.tail, running=bool(_RETURNED.search(said)))
        if "stream" in event:
            self._stream(str(event["stream"]))
        elif "aux" in event:
            aux = event["aux"] or {}
            self.image = str(aux.get("ID") or self.image)
            self.digest = str(aux.get("Digest") or self.digest)
        elif "status" in event:
            self._status(str(event["status"]), str(event.get("id") or ""), event.get("progressDetail") or {})

    def _stream(self, text: str) -> None:
        if built := re.match(r"Successfully built ([0-9a-f]+)", text):
            self.image = self.image or built[1]
        *lines, self._rest = (self._rest + text).replace("\r\n", "\n").split("\n")
        for line in lines:
            if line.strip():
                self._line(line.rstrip())

    def _line(self, line: str) -> None:
        self._tail.append(line)
        if step := _STEP.match(line):
            self._emit(Event(kind=Kind.STEP, number=int(step[1]), total=int(step[2]), text=step[3]))
        else:
            self._emit(Event(kind=Kind.LINE, text=line))

    def _status(self, status: str, layer: str, detail: Mapping[str, Any]) -> None:
        if status in _TRANSFERS and layer:
            number, total = int(detail.get("current") or 0), int(detail.get("total") or 0)
            self._emit(Event(kind=Kind.TRANSFER, text=status, layer=layer, number=number, total=total))
        elif not layer:
            self._line(status)
