"""Each folder of cases/ holds an mcci.yml that is refused, and what mcci says about it.

Refresh after a change with `MCCI_REFRESH=1 python -m pytest tests/unit/config`, then read the difference.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from mcci.__main__ import run
from mcci.errors import ExitCode

CASES = Path(__file__).parent / "cases"
LINE = re.compile(r"error: mcci\.yml:\d+:\d+: \S.* \[[a-z-]+\]")


@pytest.mark.parametrize("name", sorted(path.name for path in CASES.iterdir()))
def test_refused(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong mcci.yml ends with exit code 2 and one line a mistake: its place, what is wrong, the rule."""
    monkeypatch.chdir(CASES / name)
    expected = CASES / name / "expected.txt"
    assert run(["generate", "--check", "--branch", "master"]) == ExitCode.USAGE
    captured = capsys.readouterr()
    if os.environ.get("MCCI_REFRESH"):
        expected.write_text(captured.err, encoding="utf-8")
    assert captured.out == ""
    assert [line for line in captured.err.splitlines() if not LINE.fullmatch(line)] == []
    assert captured.err == expected.read_text(encoding="utf-8")
