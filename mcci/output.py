"""The one module that prints: results on stdout, logs on stderr, JSON in versioned documents.

Text written for a terminal is coloured; in a job or a pipe it is plain. Nothing else in mcci calls `print`.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

_BOLD, _DIM, _RED, _GREEN, _YELLOW, _RESET = (f"\x1b[{code}m" for code in (1, 2, 31, 32, 33, 0))


def text(message: str = "") -> None:
    """Print a result, as it is."""
    print(message)


def json_document(kind: str, version: int, body: dict[str, Any]) -> None:
    """Print a result for machines: `{"schema": "mcci.<kind>/<version>", …}`, keys in the order given."""
    print(json.dumps({"schema": f"mcci.{kind}/{version}", **body}, indent=2, ensure_ascii=False))


def log(message: str) -> None:
    """Say what is happening, on stderr: in one piece, since several threads may say something."""
    print(f"{message}\n", end="", file=sys.stderr, flush=True)


def error(message: str) -> None:
    """Say what went wrong, on stderr."""
    print(f"{_paint('error:', _RED, sys.stderr)} {message}", file=sys.stderr, flush=True)


def heading(message: str) -> None:
    """Print a title of a part of the result."""
    print(_paint(message, _BOLD, sys.stdout))


def good(message: str) -> str:
    """Return `message` in green where stdout is a terminal."""
    return _paint(message, _GREEN, sys.stdout)


def bad(message: str) -> str:
    """Return `message` in red where stdout is a terminal."""
    return _paint(message, _RED, sys.stdout)


def notable(message: str) -> str:
    """Return `message` in yellow where stdout is a terminal."""
    return _paint(message, _YELLOW, sys.stdout)


def dim(message: str) -> str:
    """Return `message` dimmed where stdout is a terminal."""
    return _paint(message, _DIM, sys.stdout)


def _paint(message: str, code: str, stream: Any) -> str:
    return f"{code}{message}{_RESET}" if _coloured(stream) else message


def _coloured(stream: Any) -> bool:
    """Honour NO_COLOR (no-color.org) and FORCE_COLOR; else colour a terminal only."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or bool(stream.isatty())
