"""Git's own server side of its HTTP protocol, run as the CGI program it is."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

DEADLINE = 300.0  # seconds
HOOK = r"""#!/bin/sh
# Written by mcci's local GitLab: refuses what protected branches are protected from. The lists are patterns, a line
# each, in which * stands for anything.
set -f
case $1 in refs/heads/*) branch=${1#refs/heads/} ;; *) exit 0 ;; esac
is_in() {
    IFS='
'
    for pattern in $1; do
        case $branch in $pattern) return 0 ;; esac
    done
    return 1
}
refuse() { echo "GitLab: $1" >&2; exit 1; }
is_in "$MCCI_PROTECTED" || exit 0
case $3 in *[!0]*) ;; *) refuse "You can only delete protected branches using the web interface." ;; esac
is_in "$MCCI_MAY_PUSH" || refuse "You are not allowed to push code to protected branches on this project."
case $2 in *[!0]*) ;; *) exit 0 ;; esac
is_in "$MCCI_MAY_FORCE" || git merge-base --is-ancestor "$2" "$3" ||
    refuse "You are not allowed to force push code to a protected branch on this project."
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The protected branches by pattern; those that this caller may push to; those that may be pushed by force."""

    protected: Sequence[str] = ()
    may_push: Sequence[str] = ()
    may_force: Sequence[str] = ()


def backend(
    repository: Path,
    *,
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    body: bytes,
    limits: Limits,
) -> tuple[int, dict[str, str], bytes]:
    """Answer one request for a bare repository: the status, the headers, the body.

    `path` is the part of the address behind the repository's; `limits` say what this caller may push.
    """
    hook = repository / "hooks" / "update"
    if not hook.exists() or hook.read_text() != HOOK:
        hook.parent.mkdir(exist_ok=True)
        new = hook.with_name(f"update.{threading.get_ident()}")
        new.write_text(HOOK)
        new.chmod(0o755)
        new.replace(hook)
    if headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        "GIT_PROJECT_ROOT": str(repository),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
        "GIT_PROTOCOL": headers.get("git-protocol", ""),
        "MCCI_PROTECTED": _patterns(limits.protected),
        "MCCI_MAY_PUSH": _patterns(limits.may_push),
        "MCCI_MAY_FORCE": _patterns(limits.may_force),
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "REQUEST_METHOD": method,
        "CONTENT_TYPE": headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "REMOTE_USER": "user",
    }
    done = subprocess.run(
        ["git", "http-backend"], input=body, env=environment, capture_output=True, timeout=DEADLINE, check=False
    )
    head, _, data = done.stdout.partition(b"\r\n\r\n")
    found = dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n") if ": " in line)
    status = int(found.pop("Status", "200 OK").split()[0]) if done.returncode == 0 else 500
    return status, found, data


def _patterns(names: Sequence[str]) -> str:
    """Return names as patterns of the shell's `case`, where * is a wildcard and nothing else is."""
    return "\n".join(re.sub(r"([\\?\[\]])", r"\\\1", name) for name in names)
