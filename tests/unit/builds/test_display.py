"""What the engine says is shown as the place asks for."""

from __future__ import annotations

import re

import pytest

from mcci.clients.engines.model import Event, Kind
from mcci.delivery.builds.display import Bars, Lines, Sections, choose
from mcci.delivery.builds.run import masked, masked_error
from mcci.errors import UsageError

SECTION = re.compile(r"\x1b\[0Ksection_(start|end):\d{10}:([A-Za-z0-9_.-]+)(\[collapsed=true\])?\r\x1b\[0K")


def line(text: str) -> Event:
    """Return a line of a log."""
    return Event(kind=Kind.LINE, text=text)


def test_a_job_has_sections(capsys: pytest.CaptureFixture[str]) -> None:
    """In a job each phase is a collapsed section with all its lines, and the outcome stands open after it."""
    display = choose(1, {"GITLAB_CI": "true"})
    with display:
        display.begin("web", "build")
        display.event("web", line("one"))
        display.begin("web", "push")
        display.event("web", line("two"))
        display.end("web", "built x")
    found = SECTION.sub(
        lambda match: f"<{match[1]} {match[2]}{' closed' if match[3] else ''}>", capsys.readouterr().err
    )
    assert found.splitlines() == [
        "<start mcci_build_web closed>web: build", "one", "<end mcci_build_web>",
        "<start mcci_push_web closed>web: push", "two", "<end mcci_push_web>", "web: built x",
    ]  # fmt: skip


def test_a_failure_is_open(capsys: pytest.CaptureFixture[str]) -> None:
    """After a failure the log's end stands outside of the collapsed section."""
    display = Sections(alone=True)
    display.begin("web", "build")
    for number in range(40):
        display.event("web", line(f"line {number}"))
    display.failed("web")
    after = capsys.readouterr().err.split("section_end")[1].strip().split("\n")[1:]
    assert after == ["the end of the log of web:", *(f"    line {number}" for number in range(15, 40))]


def test_sections_of_several_services_never_mix(capsys: pytest.CaptureFixture[str]) -> None:
    """With several services at once each section is written as a whole."""
    display = Sections(alone=False)
    display.begin("a", "build")
    display.begin("b", "build")
    for name in "abab":
        display.event(name, line(f"of {name}"))
    display.end("b", "done")
    display.end("a", "done")
    inside = ""
    for text in capsys.readouterr().err.split("\n"):
        if match := SECTION.match(text):
            assert (match[1] == "start") == (inside == ""), text
            inside = match[2][-1] if match[1] == "start" else ""
        elif text.startswith("of "):
            assert text == f"of {inside}"


def test_lines_name_their_service(capsys: pytest.CaptureFixture[str]) -> None:
    """Elsewhere every line of several services begins with the service's name, and a pushed layer is one line."""
    display = Lines(prefixed=True)
    display.begin("web", "push")
    for text in ("Pushing", "Pushing", "Pushed", "Pushed"):
        display.event("web", Event(kind=Kind.TRANSFER, text=text, layer="ab", number=1, total=2))
    assert capsys.readouterr().err.splitlines() == ["web: push", "web | ab: Pushed"]


def test_secrets_are_masked() -> None:
    """A secret's value is in no line and no error, each line of one with several lines included."""
    secrets = ("hunter22", "-----KEY\nabcdef\n")
    assert masked("x hunter22 y abcdef", secrets) == "x [masked] y [masked]"
    error = masked_error(UsageError("failed: hunter22"), {"A": "hunter22"})
    assert (type(error), str(error)) == (UsageError, "failed: [masked]")


def test_bars_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """On a terminal each service has one bar, by steps and then by bytes, and a failed one's log is shown after all."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    display = choose(2, {})
    assert isinstance(display, Bars)
    with display:
        display.begin("web", "build")
        display.event("web", Event(kind=Kind.STEP, number=3, total=9, text="RUN [x]"))
        display.event("web", line("the cause"))
        display.begin("cart", "push")
        display.event("cart", Event(kind=Kind.TRANSFER, text="Pushing", layer="a", number=1_000_000, total=4_000_000))
        display.event("cart", Event(kind=Kind.TRANSFER, text="Pushing", layer="b", number=1_000_000, total=4_000_000))
        bars = {task.fields["service"]: (task.completed, task.total, task.fields["count"]) for task in display.tasks}
        display.end("cart", "built x")
        display.failed("web")
    assert bars == {"web": (2, 9, "3/9"), "cart": (2_000_000, 8_000_000, "2.0/8.0 MB")}
    shown = capsys.readouterr().err
    assert "the end of the log of web:" in shown
    assert "the cause" in shown
