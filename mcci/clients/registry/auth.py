"""How mcci shows who it is: Basic where a registry asks for that, else a Bearer token from the service it names.

Source: https://distribution.github.io/distribution/spec/auth/token/ and …/spec/auth/oauth/
"""

from __future__ import annotations

import base64
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mcci.clients.registry.errors import Denied, Refused, RegistryFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from mcci.clients.registry.challenges import Challenge
    from mcci.clients.registry.credentials import Credentials

MARGIN = 5.0  # seconds before its end in which a token is not used any more
SHORTEST = 60.0  # what a token lasts when its service does not say: the specification's default


class Authorizer:
    """Gives each request to one registry its `Authorization`; tokens are kept, one a set of scopes."""

    def __init__(
        self,
        host: str,
        find: Callable[[], Credentials | None],
        send: Callable[..., httpx.Response],
        *,
        may_be_plain: bool,
    ) -> None:
        """`find` looks the credentials up when first needed; `send` asks a token service, with retries.

        `may_be_plain`: whether the registry itself is spoken to without TLS; else no password goes over plain HTTP.
        """
        self._host, self._find, self._send, self._may_be_plain = host, find, send, may_be_plain
        self._challenge: Challenge | None = None
        self._credentials: Credentials | None = None
        self._looked_up = False
        self._tokens: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def header(self, scope: str) -> str:
        """Return the value of `Authorization` for `scope`; empty before the registry has asked."""
        with self._lock:
            if self._challenge is None:
                return ""
            if self._challenge.scheme == "basic":
                return self._basic()
            token, end = self._tokens.get(scope, ("", 0.0))
            if not token or time.monotonic() > end - MARGIN:
                token = self._fetch(self._challenge, scope)
            return f"Bearer {token}"

    def challenged(self, challenge: Challenge, scope: str, used: str) -> bool:
        """Take a 401 in, for a request sent with `used`; return whether there is something else to try."""
        with self._lock:
            first = self._challenge is None
            self._challenge = challenge
            if challenge.scheme == "basic":
                return not used and self._look_up() is not None
            held = self._tokens.get(scope)
            if held and f"Bearer {held[0]}" == used:
                del self._tokens[scope]
            return first or used != ""

    @property
    def has_credentials(self) -> bool:
        """Whether there are credentials for the host."""
        with self._lock:
            return self._look_up() is not None

    @property
    def source(self) -> str:
        """Where the credentials come from, for messages."""
        with self._lock:
            found = self._look_up()
            return found.source if found else ""

    def _look_up(self) -> Credentials | None:
        if not self._looked_up:
            self._credentials, self._looked_up = self._find(), True
        return self._credentials

    def _basic(self) -> str:
        found = self._look_up()
        if found is None:
            return ""
        return "Basic " + base64.b64encode(f"{found.username}:{found.secret}".encode()).decode()

    def _fetch(self, challenge: Challenge, scope: str) -> str:
        realm = urlsplit(challenge.realm)
        if realm.scheme not in ("https", "http") or not realm.netloc:
            raise Refused(f"{self._host} names no token service that can be asked ('{challenge.realm}').", status=401)
        found = self._look_up()
        if found and realm.scheme == "http" and not self._may_be_plain:
            raise Denied(
                f"{self._host} sends its users to {challenge.realm}, which has no TLS: no password goes there."
            )
        scopes = scope.split()
        if found and found.is_refresh_token:
            form = {"grant_type": "refresh_token", "service": challenge.service, "client_id": "mcci"}
            form |= {"scope": " ".join(scopes), "refresh_token": found.secret}
            reply = self._send("POST", challenge.realm, data=form)
        else:
            query = [("service", challenge.service), *(("scope", each) for each in scopes)]
            headers = {"Authorization": self._basic()} if found else {}
            reply = self._send("GET", challenge.realm, params=[pair for pair in query if pair[1]], headers=headers)
        if reply.status_code in (400, 401, 403):
            raise Denied(denial(self._host, found.source if found else "", reply.status_code))
        token, lasts = _token(reply, challenge.realm)
        self._tokens[scope] = (token, time.monotonic() + lasts)
        return token


def denial(host: str, source: str, status: int, action: str = "") -> str:
    """Return the message for a registry that lets nobody in: without credentials, or with those from `source`."""
    what = f" {action}" if action else ""
    if source:
        return (
            f"{host} does not accept the credentials{what} ({status}). They come from {source}: check that they are"
            " right, have not expired, and may do this."
        )
    return (
        f"{host} wants credentials{what} ({status}), and there are none. Set the variables that mcci.yml names under"
        " `registry` (by default REGISTRY_USER and REGISTRY_PASSWORD; for GitLab's own registry a job has them), or"
        f" run `docker login {host}`."
    )


def _token(reply: httpx.Response, realm: str) -> tuple[str, float]:
    try:
        body: Any = reply.json()
        token = body.get("token") or body.get("access_token")
        lasts = float(body.get("expires_in") or SHORTEST)
    except (ValueError, AttributeError, TypeError) as error:
        raise RegistryFailed(f"the token service {realm} answered something else than a token.") from error
    if reply.status_code >= 300 or not isinstance(token, str) or not token:
        raise RegistryFailed(f"the token service {realm} gave no token ({reply.status_code}).")
    return token, lasts
