"""Files made to cost time or memory are refused before they do."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

import pytest

from mcci.__main__ import run
from mcci.config.load import load
from mcci.errors import ExitCode, InvalidInput

HEAD = "version: 1\napplication: shop\nservices: {web: {}}\n"
SECONDS = 20  # on a busy machine; each takes less than one on an idle one
MEGABYTES = 10

BOMBS = {
    "brackets": HEAD + "a: " + "[" * 100_000,
    "closed brackets": HEAD + "a: " + "[" * 50_000 + "]" * 50_000,
    "braces": HEAD + "a: " + "{a: " * 30_000,
    "indentation": HEAD + "a:\n" + "".join(f"{' ' * depth}a:\n" for depth in range(1, 1500)),
    "dashes": HEAD + "a:\n  " + "- " * 100_000,
    "question marks": HEAD + "? " * 100_000,
    "commas": HEAD + "a: [" + "x," * 1_000_000 + "]",
    "lines": HEAD + "a:\n" + "- x\n" * 900_000,
    "anchors": HEAD + "a: [" + ",".join(f"&a{number} x" for number in range(4_000)) + "]",
    "long scalar": HEAD + "a: " + "x" * 500_000,
    "long quoted scalar": HEAD + 'a: "' + "\\x41" * 100_000 + '"',
    "long key": HEAD + "x" * 500_000 + ": 1",
    "long number": HEAD + "runner: {retry: " + "9" * 500_000 + "}",
    "colons": HEAD + "a: " + "a:" * 200_000,
    "alias bomb": "a: &a [x]\n" + "".join(f"{k}{i}: &{k}{i} [*a, *a]\n" for i, k in enumerate("bcdefgh")) + HEAD,
    "doubling": "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 90)) + HEAD,
    "doubling merges": "a0: &a0 {x: 1}\n"
    + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 90))
    + HEAD,
    "inheritance": "version: 1\napplication: shop\ndefaults: {values: {a: ["
    + "x," * 5_000
    + "]}}\nservices:\n"
    + "".join(f"  s{number}: {{}}\n" for number in range(1_000)),
}


@pytest.mark.parametrize("name", BOMBS)
def test_time(name: str) -> None:
    """The file is refused in seconds, where what it asks for would take minutes or for ever."""
    started = time.monotonic()
    with pytest.raises(InvalidInput):
        load(BOMBS[name].encode())
    assert time.monotonic() - started < SECONDS


@pytest.mark.parametrize("name", ["brackets", "doubling", "doubling merges"])
def test_memory(name: str) -> None:
    """A small file that means a large one is refused without holding the large one."""
    tracemalloc.start()
    try:
        with pytest.raises(InvalidInput):
            load(BOMBS[name].encode())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MEGABYTES * 2**20


def test_large_file_is_not_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file of 50 MB is refused by its size, without being read."""
    file = tmp_path / "mcci.yml"
    with file.open("wb") as stream:
        stream.truncate(50_000_000)
    run(["generate", "--check", "--branch", "master", "--config", str(file)])  # imports are not what is measured
    capsys.readouterr()
    tracemalloc.start()
    try:
        assert run(["generate", "--check", "--branch", "master", "--config", str(file)]) == ExitCode.USAGE
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2**20
    message = f"error: {file}:1:1: the file is larger than the 4 MiB that mcci reads. [file-too-large]\n"
    assert capsys.readouterr().err == message
