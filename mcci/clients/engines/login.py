"""Credentials for programs: a file of this user's alone, named in no argument, gone when the program is done."""

from __future__ import annotations

import base64
import json
import os
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from mcci.clients.registry.reference import DOCKER_HUB

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcci.clients.engines.model import Credential

_HUB = "https://index.docker.io/v1/"


@contextmanager
def docker_config(credential: Credential, hosts: Iterable[str]) -> Iterator[Path]:
    """Give a folder for DOCKER_CONFIG whose config.json lets the docker command into `hosts`."""
    with TemporaryDirectory(prefix="mcci-login-") as name:
        folder = Path(name)
        _write(folder / "config.json", credential, hosts, hub=_HUB)
        own = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
        if (own / "cli-plugins").is_dir():  # where buildx may be
            (folder / "cli-plugins").symlink_to((own / "cli-plugins").resolve())
        yield folder


@contextmanager
def auth_file(credential: Credential, hosts: Iterable[str]) -> Iterator[Path]:
    """Give a file for buildah's `--authfile` that lets it into `hosts`."""
    with TemporaryDirectory(prefix="mcci-login-") as name:
        file = Path(name, "auth.json")
        _write(file, credential, hosts, hub=DOCKER_HUB)
        yield file


def _write(file: Path, credential: Credential, hosts: Iterable[str], *, hub: str) -> None:
    entries: dict[str, Any] = {}
    for host in hosts:
        found = credential(host)
        if found is None:
            continue
        key = hub if host == DOCKER_HUB else host
        if found.is_refresh_token:
            token = base64.b64encode(f"{found.username or '<token>'}:".encode()).decode()
            entries[key] = {"auth": token, "identitytoken": found.secret}
        else:
            entries[key] = {"auth": base64.b64encode(f"{found.username}:{found.secret}".encode()).decode()}
    file.touch(mode=0o600)
    file.write_text(json.dumps({"auths": entries}), encoding="utf-8")
