"""The shell script of a step, as GitLab Runner writes it: each command shown, the first that fails ends it.

Source: https://docs.gitlab.com/runner/shells/
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

GREEN, PLAIN = "\x1b[32;1m", "\x1b[0;m"


def script(commands: Iterable[str]) -> str:
    """Return a script for `bash` (or a POSIX `sh`) that runs `commands` one after the other."""
    lines = ['case "$(set -o)" in *pipefail*) set -o pipefail ;; esac', "set -o errexit", "set +o noclobber"]
    for command in commands:
        first, *more = command.rstrip("\n").split("\n")
        shown = first + (" # collapsed multi-line command" if more else "")
        lines.append(f"printf '%s\\n' {shlex.quote(f'{GREEN}$ {shown}{PLAIN}')}")
        lines.append(command.rstrip("\n"))
    return "\n".join(lines) + "\n"
