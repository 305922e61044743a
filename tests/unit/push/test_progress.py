"""How far a push is, as it is shown."""

from __future__ import annotations

import pytest

from mcci.clients.registry.manifests import Descriptor
from mcci.delivery.push import progress
from mcci.delivery.push.progress import Bars, Lines, Progress


class Clock:
    """A clock that is set."""

    now = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def blob(name: str, size: int) -> Descriptor:
    return Descriptor(media_type="", digest=name, size=size)


def test_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """In a job the first line comes after a second, another every five, with bytes and blobs, retries counted back."""
    clock = Clock()
    with Progress(Lines(), clock) as shown:
        meter = shown.of("cart")
        meter.expect([blob("a", 8_000_000), blob("b", 2_000_000), blob("c", 0)])
        for seconds, digest, position in (
            (100.9, "a", 1_000_000), (101.0, "b", 2_000_000), (105.9, "a", 3_000_000), (106.0, "a", 4_000_000),
            (111.0, "a", 500_000),
        ):  # fmt: skip
            clock.now = seconds
            meter.at(digest, position)
    assert capsys.readouterr().err.splitlines() == [
        "cart: 3.0/10.0 MB, 1/3 blobs", "cart: 6.0/10.0 MB, 1/3 blobs", "cart: 2.5/10.0 MB, 1/3 blobs",
    ]  # fmt: skip


def test_quick(capsys: pytest.CaptureFixture[str]) -> None:
    """What takes less than a second shows nothing, on a terminal neither."""
    for shown in (Lines(), Bars()):
        with Progress(shown, Clock()) as found:
            found.of("cart").expect([blob("a", 10)])
            found.of("cart").at("a", 10)
    assert capsys.readouterr().err == ""


def test_bars(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """On a terminal each service has a bar."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    clock = Clock()
    with Progress(Bars(), clock) as shown:
        for service in ("cart", "orders"):
            clock.now += 2
            shown.of(service).expect([blob("a", 4_000_000)])
            shown.of(service).at("a", 1_000_000)
    err = capsys.readouterr().err
    assert "cart" in err
    assert "orders" in err
    assert "1.0/4.0 MB, 0/1 blobs" in err


@pytest.mark.parametrize(
    ("terminal", "environment", "expected"),
    [(True, {}, Bars), (False, {}, Lines), (True, {"GITLAB_CI": "true"}, Lines)],
)
def test_choice(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, environment: dict[str, str], expected: type[Lines]
) -> None:
    """Bars are for terminals, and a job has none."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    assert type(progress.choose(environment).shown) is expected
