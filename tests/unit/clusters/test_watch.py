"""A watch gives every change once, whatever becomes of its connections."""

from __future__ import annotations

import time

import httpx
import pytest

from mcci.clients.kubernetes.api import CONFIG_MAP, NotAllowed, Refused, Unreachable
from tests.unit.clusters.wire import QUICK, Wire, api, event, events, page, status, thing

BROKEN = httpx.ReadError("reset by peer")


def seen(wire: Wire, count: int) -> list[str]:
    """Return the first `count` changes, as `ADDED a 1`."""
    found: list[str] = []
    for change in api(wire).watch(CONFIG_MAP, "shop", seconds=20):
        metadata = change.object["metadata"]
        found.append(f"{change.type} {metadata['name']} {metadata['resourceVersion']}")
        if len(found) == count:
            break
    return found


def test_goes_on() -> None:
    """A watch that ends, or breaks, or meets a failing server goes on from where it was, and reads nothing again."""
    wire = Wire(
        page(thing("a", 1), version=5),
        events(event("ADDED", "b", 6)),
        events(event("MODIFIED", "b", 7), BROKEN),
        status(503),
        status(429, **{"Retry-After": "0"}),
        httpx.ConnectError("refused"),
        events({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "9"}}}),
        events(event("DELETED", "a", 10)),
    )
    assert seen(wire, 4) == ["ADDED a 1", "ADDED b 6", "MODIFIED b 7", "DELETED a 10"]
    versions = [each.url.params.get("resourceVersion") for each in wire.requests]
    assert versions == [None, "5", "6", "7", "7", "7", "7", "9"]


@pytest.mark.parametrize(
    "gone",
    [events({"type": "ERROR", "object": {"kind": "Status", "code": 410}}), status(410)],
    ids=["an event", "an answer"],
)
def test_too_old(gone: httpx.Response) -> None:
    """When the server has forgotten where it was, the collection is read again and only what changed is given."""
    wire = Wire(
        page(thing("a", 1), thing("b", 2), thing("c", 3), version=3),
        gone,
        page(thing("a", 1), thing("b", 7), thing("d", 8), version=9),
        events(event("MODIFIED", "d", 10)),
    )
    assert seen(wire, 7) == [
        "ADDED a 1", "ADDED b 2", "ADDED c 3", "DELETED c 3", "MODIFIED b 7", "ADDED d 8", "MODIFIED d 10",
    ]  # fmt: skip


def test_half_a_line() -> None:
    """An event that is cut in its middle is asked for again."""
    cut = httpx.Response(200, content=b'{"type": "ADDED", "obj')
    wire = Wire(page(version=1), cut, events(event("ADDED", "a", 2)))
    assert seen(wire, 1) == ["ADDED a 2"]


def test_ends() -> None:
    """It ends when its time is over, in a quiet collection too."""
    wire = Wire(page(version=1), *(httpx.ReadTimeout("silence") for _ in range(1000)))
    begun = time.monotonic()
    assert list(api(wire, policy=QUICK).watch(CONFIG_MAP, "shop", seconds=0.1)) == []
    assert 0.1 <= time.monotonic() - begun < 2


def test_gives_up() -> None:
    """A server that is away for longer than the deadline is an error, long before the watch would be over."""
    wire = Wire(page(version=1), *[BROKEN] * 100_000)
    with pytest.raises(Unreachable, match="watching failed"):
        list(api(wire, deadline=0.1).watch(CONFIG_MAP, "shop", seconds=60))


def test_refused() -> None:
    """A right that is lacking, and a kind that is not served, end it at once."""
    with pytest.raises(NotAllowed):
        list(api(Wire(page(version=1), status(403, "maria cannot watch"))).watch(CONFIG_MAP, "shop", seconds=60))
    with pytest.raises(Refused, match="does not serve"):
        list(api(Wire(status(404))).watch(CONFIG_MAP, "shop", seconds=60))


def test_closed() -> None:
    """A watch on another thread ends when the client is closed, quietly."""
    wire = Wire(page(thing("a", 1), version=1), events(event("ADDED", "b", 2)))
    cluster = api(wire)
    found = cluster.watch(CONFIG_MAP, "shop", seconds=60)
    assert next(found).object["metadata"]["name"] == "a"
    assert next(found).object["metadata"]["name"] == "b"
    cluster.close()
    assert list(found) == []
