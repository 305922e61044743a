"""Every event of Docker's API is looked at, and its words are told apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcci.clients.engines.docker_events import Reader
from mcci.clients.engines.failures import told
from mcci.clients.engines.labels import labelled
from mcci.clients.engines.model import Build, BuildFailed, EngineFailed, Event, Kind
from mcci.clients.registry import reference
from mcci.errors import McciError, UsageError


def read(*events: dict[str, object]) -> tuple[Reader, list[Event]]:
    """Return the reader that has read `events`, and what it told."""
    seen: list[Event] = []
    reader = Reader("building web", seen.append)
    for event in events:
        reader.read(event)
    return reader, seen


def test_lines_and_steps() -> None:
    """A line that comes in pieces is one line; steps have their numbers."""
    _, seen = read({"stream": "Step 2/9 : RUN x"}, {"stream": "\n"}, {"stream": "a"}, {"stream": "b\r\nc\n"})
    assert seen == [
        Event(kind=Kind.STEP, number=2, total=9, text="RUN x"),
        Event(kind=Kind.LINE, text="ab"),
        Event(kind=Kind.LINE, text="c"),
    ]


def test_transfers() -> None:
    """A layer on its way has its bytes, and a status without a layer is a line."""
    _, seen = read(
        {"status": "The push refers to repository [x]"},
        {"status": "Pushing", "id": "ab", "progressDetail": {"current": 1, "total": 2}},
    )
    assert seen == [
        Event(kind=Kind.LINE, text="The push refers to repository [x]"),
        Event(kind=Kind.TRANSFER, text="Pushing", layer="ab", number=1, total=2),
    ]


def test_what_was_made() -> None:
    """The image's id and the pushed digest are taken from wherever the engine tells them."""
    reader, _ = read({"aux": {"ID": "sha256:1"}}, {"aux": {"Digest": "sha256:2", "Size": 3}})
    assert (reader.image, reader.digest) == ("sha256:1", "sha256:2")
    assert read({"stream": "Successfully built abc123\n"})[0].image == "abc123"  # podman tells it only so


def test_an_error_among_the_events() -> None:
    """An `error` event ends the build, with the last lines of the log."""
    with pytest.raises(BuildFailed, match="returned a non-zero code: 3") as caught:
        read({"stream": "one\n"}, {"errorDetail": {"message": "The command 'x' returned a non-zero code: 3"}})
    assert caught.value.log == ("one",)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("unauthorized: authentication required", UsageError),
        ("denied: requested access to the resource is denied", UsageError),
        ("Get https://x/v2/: dial tcp: connect: connection refused", EngineFailed),
        ("received unexpected HTTP status: 503 Service Unavailable", EngineFailed),
        ("toomanyrequests: You have reached your pull rate limit", EngineFailed),
        ("write /x: no space left on device", EngineFailed),
        ("COPY failed: file not found in build context", BuildFailed),
    ],
)
def test_whose_fault_it_is(said: str, kind: type[McciError]) -> None:
    """What credentials, a service or a disk caused is told apart from what the Dockerfile says."""
    assert type(told("building web", said)) is kind


def test_a_commands_own_words_are_its_own() -> None:
    """A RUN that fails with words like a registry's is still a failed RUN; a full disk is one in any words."""
    assert type(told("x", "The command 'grep denied: f' returned a non-zero code: 1", running=True)) is BuildFailed
    log = ("cp: write error: No space left on device",)
    assert type(told("x", "The command 'cp' returned a non-zero code: 1", log, running=True)) is EngineFailed


def test_labels_are_one_instruction() -> None:
    """All labels are one step; quotes, backslashes, variables and line breaks in them stay what they are."""
    image = reference.parse("web:1")
    labels = {"b": 'say "$HOME" \\ x', "a": "1\n2"}
    build = Build(
        image=image, context=Path("web"), dockerfile="FROM a", dockerfile_path="web/Dockerfile", labels=labels
    )
    text, arguments = labelled(build)
    assert arguments == {}
    assert text.removeprefix("FROM a") == '\nLABEL "a"="1 2" "b"="say \\"\\$HOME\\" \\\\ x"\n'


def test_another_escape_character() -> None:
    """Where a Dockerfile has another escape character than the instruction's, labels are arguments."""
    text = "# escape=`\nFROM a"
    build = Build(
        image=reference.parse("web:1"), context=Path("web"), dockerfile=text, dockerfile_path="D", labels={"a": "$b"}
    )
    assert labelled(build) == (text, {"a": "$b"})
