"""Logs: the limit, pieces at offsets, and secrets that come in pieces."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcci.rehearsal.gitlab import trace
from mcci.rehearsal.gitlab.trace import Masker, Trace

if TYPE_CHECKING:
    from pathlib import Path


def test_pieces_at_offsets(tmp_path: Path) -> None:
    """A piece that is sent again is not written twice, and one that leaves a gap is refused."""
    found = Trace(tmp_path / "log")
    assert found.append(b"hello ", 0) == 6
    assert found.append(b"lo world", 3) == 11
    assert found.append(b"!", 20) is None
    assert found.read() == b"hello world"
    assert found.read(6) == b"world"


def test_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log ends at the limit and says so, however much comes after."""
    monkeypatch.setattr(trace, "LIMIT", 10)
    found = Trace(tmp_path / "log")
    for number in range(100):
        found.append(b"0123456", number * 7)
    assert found.read().startswith(b"0123456012\n")
    assert b"exceeded limit of 10 bytes" in found.read()
    assert found.size < 300


@given(
    text=st.text("ab", max_size=40),
    secrets=st.lists(st.text("ab", min_size=2, max_size=5), min_size=1, max_size=3),
    cuts=st.lists(st.integers(0, 40)),
)
def test_pieces_do_not_matter(text: str, secrets: list[str], cuts: list[int]) -> None:
    """However a stream is cut, no secret is in what is shown, and nothing else is lost."""
    masker = Masker(secrets)
    data, shown = text.encode(), b""
    places = sorted({0, len(data), *(cut for cut in cuts if cut <= len(data))})
    for start, end in itertools.pairwise(places):
        shown += masker.feed(data[start:end])
        for secret in secrets:
            assert secret.encode() not in shown.replace(trace.MASK, b"|")
    shown += masker.flush()
    for secret in secrets:
        assert secret.encode() not in shown.replace(trace.MASK, b"|")
    if not any(secret in text for secret in secrets):
        assert shown == data
