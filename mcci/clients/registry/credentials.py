"""Who mcci is to a registry: variables, `$DOCKER_CONFIG/config.json` and its credential helpers, in that order.

Source: https://docs.docker.com/reference/cli/docker/login/#credential-stores and, for DOCKER_AUTH_CONFIG,
https://docs.gitlab.com/ci/docker/using_docker_images/#configure-a-job
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcci.clients.registry.reference import DOCKER_HUB
from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

HELPER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
HELPER_DEADLINE = 30.0  # seconds
_HUB_KEYS = ("https://index.docker.io/v1/", "index.docker.io", "registry-1.docker.io", "docker.io")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A user's name and secret; with `is_refresh_token` the secret is an OAuth2 refresh token."""

    username: str
    secret: str = field(repr=False)
    is_refresh_token: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """The names of the variables that hold the user name and the password for a host."""

    host: str
    username_variable: str
    password_variable: str


def find(host: str, environment: Mapping[str, str], logins: tuple[Login, ...] = ()) -> Credentials | None:
    """Return the credentials for `host`, or None: then mcci is anonymous.

    Raises `UsageError` for a damaged configuration or a helper that fails.
    """
    return _from_variables(host, environment, logins) or _from_configs(host, environment)


def _from_variables(host: str, environment: Mapping[str, str], logins: tuple[Login, ...]) -> Credentials | None:
    for login in logins:
        username, secret = (
            environment.get(login.username_variable, ""),
            environment.get(login.password_variable, "").strip(),
        )
        if login.host == host and username and secret:
            return Credentials(
                username=username, secret=secret, source=f"${login.username_variable} and ${login.password_variable}"
            )
    return None


def _from_configs(host: str, environment: Mapping[str, str]) -> Credentials | None:
    inline = environment.get("DOCKER_AUTH_CONFIG", "")
    if inline:
        found = _from_config(_parse(inline, "$DOCKER_AUTH_CONFIG"), host, "$DOCKER_AUTH_CONFIG", environment)
        if found:
            return found
    folder = environment.get("DOCKER_CONFIG") or str(Path(environment.get("HOME", "/root"), ".docker"))
    file = Path(folder, "config.json")
    try:
        text = file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise UsageError(f"{file}, which has the registries' credentials, cannot be read: {error}") from error
    return _from_config(_parse(text, str(file)), host, str(file), environment)


def _parse(text: str, where: str) -> dict[str, Any]:
    try:
        body = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{where} is not JSON ({error}). `docker login` writes it.") from error
    if not isinstance(body, dict):
        raise UsageError(f"{where} is not a JSON object. `docker login` writes it.")
    return body


def _from_config(config: dict[str, Any], host: str, where: str, environment: Mapping[str, str]) -> Credentials | None:
    keys = _keys(host)
    helpers = _mapping(config.get("credHelpers"))
    helper = next((helpers[key] for key in keys if key in helpers), config.get("credsStore"))
    if helper:
        found = _ask(str(helper), keys[0], where, environment)
        if found:
            return found
    entries = {_bare(key): entry for key, entry in _mapping(config.get("auths")).items()}
    for key in keys:
        entry = entries.get(_bare(key))
        if isinstance(entry, dict):
            found = _entry(entry, f"{where}, {key}")
            if found:
                return found
    return None


def _entry(entry: dict[str, Any], where: str) -> Credentials | None:
    username, secret = str(entry.get("username") or ""), str(entry.get("password") or "")
    if entry.get("auth"):
        try:
            decoded = base64.b64decode(str(entry["auth"]), validate=True).decode()
        except ValueError as error:
            raise UsageError(f"{where}: `auth` is not base64 of NAME:PASSWORD. Run `docker login` again.") from error
        username, _, secret = decoded.rstrip("\0").partition(":")
    if entry.get("identitytoken"):
        return Credentials(username=username, secret=str(entry["identitytoken"]), is_refresh_token=True, source=where)
    return Credentials(username=username, secret=secret, source=where) if username and secret else None


def _ask(helper: str, server: str, where: str, environment: Mapping[str, str]) -> Credentials | None:
    """Ask `docker-credential-<helper>`; the answer stays in memory, and the question holds no secret."""
    program = f"docker-credential-{helper}"
    if not HELPER.fullmatch(helper):
        raise UsageError(f"{where} names the credential helper '{helper}', which is no program's name.")
    try:
        done = subprocess.run(
            [program, "get"], input=server, capture_output=True, text=True, timeout=HELPER_DEADLINE, check=False,
            env=dict(environment),
        )  # fmt: skip
    except FileNotFoundError as error:
        raise UsageError(f"{where} names the credential helper {program}, which is not on PATH. Install it.") from error
    except subprocess.TimeoutExpired as error:
        raise UsageError(
            f"{program} did not answer in {HELPER_DEADLINE:.0f} s. Unlock its store, and run again."
        ) from error
    if done.returncode:
        said = (done.stdout + done.stderr).strip()
        if "credentials not found" in said.lower():
            return None
        raise UsageError(
            f"{program} has no credentials for {server}: {said.splitlines()[0] if said else 'no reason given'}"
        )
    answer = _parse(done.stdout, f"the answer of {program}")
    username, secret = str(answer.get("Username", "")), str(answer.get("Secret", ""))
    token = username == "<token>"
    return Credentials(username="" if token else username, secret=secret, is_refresh_token=token, source=program)


def _keys(host: str) -> tuple[str, ...]:
    return _HUB_KEYS if host == DOCKER_HUB else (host, f"https://{host}", f"http://{host}")


def _bare(key: str) -> str:
    return key if key in _HUB_KEYS else re.sub(r"^https?://", "", key).split("/", 1)[0]


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
