"""How scripts are read: which variables a command carries, and whether its output reaches the log."""

from __future__ import annotations

import pytest

from mcci.check.shell import commands


def printed(script: str) -> list[str]:
    """Return the variables that echo, printf and cat show in the log."""
    found = [command for command in commands(script) if command.shown and command.name in ("echo", "printf", "cat")]
    return [
        name
        for command in found
        for name in (*command.input, *(name for word in command.words for name in word.variables))
    ]


@pytest.mark.parametrize(
    "script",
    [
        "echo $T",
        'echo "is ${T}"',
        'printf "%s" "$T"',
        "echo ${T:-none}",
        "echo ${T:-0}",
        "echo $T >&2",
        "echo $T 2>/dev/null",
        "echo $T > /dev/stderr",
        "echo $T | base64",
        "echo $T | tee file",
        "cat <<EOF\n$T\nEOF",
        'cat <<< "$T"',
        'echo "$(echo $T | base64)"',
        "test -n x && echo $T",
        "if true; then\n  echo $T\nfi",
        "for x in a; do echo $T; done",
        "sleep 1 & echo $T",
        "( echo $T )",
    ],
)
def test_shown(script: str) -> None:
    """A value that a printing command writes to standard output or error, also through filters, is shown."""
    assert printed(script) == ["T"]


@pytest.mark.parametrize(
    "script",
    [
        "echo '$T'",
        "echo \\$T",
        "echo ${#T}",
        "echo ${T:+set}",
        "echo ${T+set}",
        "echo ${T:0:4}",
        "echo ${T: -4}",
        "echo $T > file",
        "echo $T >> file",
        "echo $T &> file",
        "echo $T | docker login --password-stdin",
        "echo $T | base64 -d > file",
        "echo $T | base64 | kubectl apply -f -",
        "echo $T | tee file > /dev/null",
        "{ echo $T; echo x; } > file",
        "( echo $T ) | gpg --import",
        "X=$(echo $T)",
        "login <(echo $T)",
        "get() { echo $T; }",
        "cat <<EOF > file\n$T\nEOF",
        "cat <<EOF | kubectl apply -f -\n$T\nEOF",
        "cat <<'EOF'\n$T\nEOF",
        "# echo $T",
        'echo "length: $(echo -n $T | wc -c)"',
        "if [ -z \"$T\" ]; then echo 'T is not set'; fi",
        "while read x; do echo $T; done > file",
        "unset T",
    ],
)
def test_not_shown(script: str) -> None:
    """A value that goes into a file, a variable or another command, or of which only a part is used, is not shown."""
    assert printed(script) == []


def test_rows() -> None:
    """A command's row is the line of the script on which it starts, counted from 0."""
    assert [(command.name, command.row) for command in commands("a\n\n  b \\\n c\nd")] == [("a", 0), ("b", 2), ("d", 4)]


def test_huge_scripts_are_left_alone() -> None:
    """A script of megabytes, which no person wrote, is not parsed."""
    assert commands("echo $T\n" * 100_000) == ()
