"""What a request carries to say who it is from; got anew when it runs out or the server no longer takes it.

Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
"""

from __future__ import annotations

import base64
import json
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mcci.clients.kubernetes.programs import printed
from mcci.errors import UsageError

if TYPE_CHECKING:
    from mcci.clients.kubernetes.kubeconfig import Access, Exec, User

FILE_LIFE = 60.0  # seconds that a token file's content is used: Kubernetes writes a new one in time
EARLY = 60.0  # seconds before its end that a credential is no longer used


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A token or a client certificate (PEM), and until when (seconds since 1970); 0 is for ever."""

    token: str = field(default="", repr=False)
    certificate: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    until: float = 0


class Credentials:
    """A user's credentials. Safe to share among threads."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._current: Credential | None = None
        self._lock = threading.Lock()

    def get(self) -> Credential:
        """Return what to use now. Raises `UsageError` or `ServiceFailed` when a plug-in or a file gives nothing."""
        with self._lock:
            current = self._current
            if current is None or (current.until and current.until - time.time() < EARLY):
                current = self._current = _obtain(self._access)
            return current

    def refused(self, used: Credential) -> bool:
        """After a 401: return whether there is something else to try. It is got at the next `get`."""
        with self._lock:
            if self._current is used and (self._access.user.exec or self._access.user.token_file):
                self._current = None
            return self._current is not used

    def headers(self, credential: Credential) -> dict[str, str]:
        """Return the headers of a request."""
        user = self._access.user
        found = dict(user.impersonate)
        if credential.token:
            found["Authorization"] = f"Bearer {credential.token}"
        elif user.username and user.password:
            pair = base64.b64encode(f"{user.username}:{user.password}".encode()).decode()
            found["Authorization"] = f"Basic {pair}"
        return found


def _obtain(access: Access) -> Credential:
    user: User = access.user
    if user.token_file:
        try:
            token = user.token_file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise UsageError(f"{access.source}: the token file {user.token_file} cannot be read.") from error
        return Credential(token=token, until=time.time() + FILE_LIFE + EARLY)
    if user.token or user.certificate or user.username or not user.exec:
        return Credential(token=user.token, certificate=user.certificate, key=user.key)
    return _status(_run(user.exec, access.source), user.exec, access.source)


def _run(plugin: Exec, source: str) -> str:
    info: dict[str, Any] = {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": {"interactive": False}}
    if plugin.cluster is not None:
        info["spec"]["cluster"] = dict(plugin.cluster)
    return printed(
        [plugin.command, *plugin.arguments],
        environment={**plugin.environment, "KUBERNETES_EXEC_INFO": json.dumps(info)},
        purpose=f"the access to the cluster by {source}",
        hint=plugin.hint,
        folder=plugin.folder,
    )


def _status(printed: str, plugin: Exec, source: str) -> Credential:
    try:
        status = json.loads(printed)["status"]
        credential = Credential(
            token=status.get("token") or "",
            certificate=status.get("clientCertificateData") or "",
            key=status.get("clientKeyData") or "",
            until=_moment(status.get("expirationTimestamp")),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{source}: what '{plugin.command}' printed is no ExecCredential with a status.") from error
    if not credential.token and not (credential.certificate and credential.key):
        raise UsageError(f"{source}: '{plugin.command}' gave neither a token nor a certificate with its key.")
    return credential


def _moment(text: str | None) -> float:
    if not text:
        return 0
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
