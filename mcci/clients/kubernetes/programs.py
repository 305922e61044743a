"""Programs that are run for what they print: credential plug-ins, and the clouds' own."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from mcci.errors import ServiceFailed, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

TIMEOUT = 60.0  # seconds


def printed(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    purpose: str,
    hint: str = "",
    folder: Path | None = None,
) -> str:
    """Return what a program prints; `environment` is added to the process's own.

    `purpose` begins each message. Raises `UsageError` when it is not there or fails, `ServiceFailed` when it hangs.
    """
    name = arguments[0]
    try:
        done = subprocess.run(
            list(arguments), stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            env={**os.environ, **environment}, cwd=folder, timeout=TIMEOUT, check=False,
        )  # fmt: skip
    except (FileNotFoundError, PermissionError) as error:
        raise UsageError(
            f"{purpose} needs the program '{name}', and it cannot be run: it is not there. Take a `runner.image` that "
            f"holds it.{f' {hint}' if hint else ''}"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise ServiceFailed(f"{purpose}: '{name}' gave no answer in {TIMEOUT:.0f} s, and was ended.") from error
    if done.returncode:
        said = " ".join(done.stderr.split())[-400:]
        raise UsageError(f"{purpose}: '{name}' failed (exit code {done.returncode}): {said or 'it said nothing'}")
    return done.stdout
