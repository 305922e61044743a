"""Git's own server side of its HTTP protocol, run as the CGI program it is."""

from __future__ import annotations

import gzip
import os
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

DEADLINE = 300.0  # seconds
HOOK = """#!/bin/sh
# Written by mcci's local GitLab: refuses pushes to branches that are protected from whoever pushes.
case " $MCCI_CLOSED " in
*" ${1#refs/heads/} "*)
    echo "GitLab: You are not allowed to push code to protected branches on this project." >&2
    exit 1
    ;;
esac
"""


def backend(
    repository: Path,
    *,
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    body: bytes,
    closed: Sequence[str],
) -> tuple[int, dict[str, str], bytes]:
    """Answer one request for a bare repository: the status, the headers, the body.

    `path` is the part of the address behind the repository's; to the branches in `closed` this caller may not push.
    """
    hook = repository / "hooks" / "update"
    if not hook.exists() or hook.read_text() != HOOK:
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(HOOK)
        hook.chmod(0o755)
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
        "MCCI_CLOSED": " ".join(closed),
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
