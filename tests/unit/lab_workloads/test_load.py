"""Load: what is asked for by a line, and what is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mcci.errors import UsageError
from mcci.lab.load import model
from mcci.lab.load.generator import quantile
from mcci.lab.load.model import Seen, Wanted, parse
from mcci.lab.plan import Folder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("web=5", Wanted(service="web", cluster="a", rate=5)),
        ("web@b=0.5", Wanted(service="web", cluster="b", rate=0.5)),
        ("web/x?y=1=20", Wanted(service="web", cluster="a", path="/x?y=1", rate=20)),
        ("web@b/a@c=0", Wanted(service="web", cluster="b", path="/a@c", rate=0)),
    ],
)
def test_parse(text: str, wanted: Wanted) -> None:
    """A line names a service, maybe a cluster and a path, and a rate."""
    assert parse(text, ["a", "b"], "a") == wanted


@pytest.mark.parametrize("text", ["", "web", "web=", "web=fast", "=5", "web@=1", "web=-1", "web=1001", "web=nan"])
def test_refused(text: str) -> None:
    """What is no such line is refused with how to write one."""
    with pytest.raises(UsageError, match=r"SERVICE\[@CLUSTER\]\[/PATH\]=RATE"):
        parse(text, ["a"], "a")


def test_wanted_and_seen(tmp_path: Path) -> None:
    """A load replaces the same one, a rate of 0 ends it; of what is no longer wanted nothing is told."""
    folder = Folder(path=tmp_path)
    one, other = (Wanted(service=name, cluster="a", rate=5) for name in ("one", "other"))
    model.want(folder, [one])
    model.want(folder, [other])
    faster = Wanted(service="one", cluster="a", rate=9)
    model.want(folder, [faster])
    assert set(model.wanted(folder)) == {faster, other}
    model.tell(folder, [Seen(wanted=one, sent=3), Seen(wanted=other, sent=7, url="http://x/", statuses={"200": 7})])
    assert {each.wanted.service: each.sent for each in model.seen(folder)} == {"one": 0, "other": 7}
    model.want(folder, [Wanted(service="other", cluster="a", rate=0)])
    assert [each.wanted for each in model.seen(folder)] == [faster]
    model.forget(folder)
    assert model.seen(folder) == ()


def test_line() -> None:
    """People are told the rate, what failed and why, and the latencies in milliseconds."""
    wanted = Wanted(service="web", cluster="a", rate=50)
    assert Seen(wanted=wanted, problem="a has no Service web yet").line == (
        "web from a: waits, a has no Service web yet"
    )
    found = Seen(
        wanted=wanted, url="http://x/", sent=500, failed=2, first_failure="HTTP 503", rate=49.9, p50=0.004, p95=0.02,
        p99=0.5,
    )  # fmt: skip
    assert found.line == (
        "web from a: 49.9 of 50 requests/s, 500 sent, 2 failed (HTTP 503), p50 4 ms, p95 20 ms, p99 500 ms"
    )
    assert (found.body["asked"], found.body["rate"], found.body["service"]) == (50, 49.9, "web")


@pytest.mark.parametrize(("share", "value"), [(0.5, 5), (0.95, 10), (0.99, 10), (0.1, 1), (0.0, 1)])
def test_quantile(share: float, value: float) -> None:
    """A quantile is one of the values."""
    assert quantile(list(range(1, 11)), share) == value
    assert quantile([], share) is None
