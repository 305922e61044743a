"""HTTP with one cluster: TLS, credentials, connections that are used again, retries and deadlines."""

from __future__ import annotations

import os
import ssl
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mcci
from mcci.clients.kubernetes.api import Unreachable
from mcci.clients.kubernetes.credentials import Credential, Credentials
from mcci.clients.registry.retry import TRANSIENT, Policy, retry_after
from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpx

    from mcci.clients.kubernetes.kubeconfig import Access

POLICY = Policy(first=0.25, longest=8.0, connect=10.0, silence=30.0)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `unsure`: an attempt before this one may have had its effect, its answer was lost."""

    reply: httpx.Response
    unsure: bool


class Transport:
    """One cluster's HTTP. Safe to share among threads."""

    def __init__(
        self, name: str, access: Access, policy: Policy = POLICY, wire: httpx.BaseTransport | None = None
    ) -> None:
        self.name, self.policy = name, policy
        self._wire = wire
        self._closed = False
        self._access = access
        self._credentials = Credentials(access)
        self._lock = threading.Lock()
        self._clients: dict[str, httpx.Client] = {}

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def close(self) -> None:
        """Close the connections; watches end."""
        self._closed = True
        with self._lock:
            for client in self._clients.values():
                client.close()

    def request(self, method: str, path: str, deadline: float, **options: Any) -> Answer:
        """Send a request until it is answered for good, for at most `deadline` seconds.

        Every request may be sent again: what comes of doing it twice is for the caller to tell, by `Answer.unsure`.
        Raises `Unreachable`.
        """
        import httpx

        end = time.monotonic() + deadline
        unsure, attempt = False, 0
        while True:
            attempt += 1
            asked = None
            try:
                silence = min(self.policy.silence, max(0.1, end - time.monotonic()))
                with self.stream(method, path, silence, **options) as reply:
                    reply.read()
                if reply.status_code not in TRANSIENT:
                    return Answer(reply, unsure)
                reason = f"it answers {reply.status_code}{said_by(reply)}"
                asked = retry_after(reply.headers.get("Retry-After"))
                unsure = unsure or reply.status_code != 429
            except httpx.TransportError as error:
                distrust(self.name, error)
                reason = failure(error)
                unsure = unsure or not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            wait = self.policy.wait(attempt, asked)
            if time.monotonic() + wait > end:
                raise Unreachable(
                    f"{self.name}: the cluster's API at {self._access.server} failed for {deadline:.0f} s "
                    f"({attempt} attempts): {reason}."
                )
            time.sleep(wait)

    @contextmanager
    def stream(self, method: str, path: str, silence: float, **options: Any) -> Iterator[httpx.Response]:
        """Send a request (again with new credentials after a 401) and give the answer, its body unread.

        `silence` is for how many seconds the server may say nothing. Raises `httpx.TransportError`.
        """
        credential = self._credentials.get()
        reply = self._send(method, path, silence, credential, options)
        try:
            if reply.status_code == 401 and self._credentials.refused(credential):
                reply.close()
                reply = self._send(method, path, silence, self._credentials.get(), options)
            yield reply
        finally:
            reply.close()

    def _send(
        self, method: str, path: str, silence: float, credential: Credential, options: Mapping[str, Any]
    ) -> httpx.Response:
        import httpx

        client = self._client(credential)
        headers = {**options.get("headers", {}), **self._credentials.headers(credential)}
        server_name = self._access.tls_server_name
        request = client.build_request(
            method, f"{self._access.server}{path}", params=options.get("params"), content=options.get("content"),
            headers=headers, timeout=httpx.Timeout(silence, connect=min(silence, self.policy.connect)),
            extensions={"sni_hostname": server_name} if server_name else {},
        )  # fmt: skip
        return client.send(request, stream=True)

    def _client(self, credential: Credential) -> httpx.Client:
        """Return the connections for a credential: those of one client certificate are its own."""
        import httpx

        with self._lock:
            client = self._clients.get(credential.certificate)
            if client is None:
                client = httpx.Client(
                    verify=_tls(self._access, credential),
                    transport=self._wire,
                    proxy=self._access.proxy or None,
                    headers={"User-Agent": f"mcci/{mcci.__version__}", "Accept": "application/json"},
                    limits=httpx.Limits(max_connections=64, max_keepalive_connections=32, keepalive_expiry=60),
                    follow_redirects=False,
                )
                self._clients[credential.certificate] = client
            return client


def _tls(access: Access, credential: Credential) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cadata=access.authority or None)
        # Python 3.13 asks more of a certificate authority than Kubernetes puts into the one it makes
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if credential.certificate:
            with tempfile.TemporaryDirectory() as folder:  # of mode 0700; ssl takes files only
                file = Path(folder) / "client.pem"
                with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
                    out.write(f"{credential.certificate}\n{credential.key}\n")
                context.load_cert_chain(file)
    except (ssl.SSLError, ValueError) as error:
        raise UsageError(f"{access.source}: a certificate or key in it cannot be used: {error}.") from error
    return context


def distrust(name: str, error: Exception) -> None:
    """Raise `UsageError` where the server's certificate is the reason: another attempt would not help."""
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        raise UsageError(
            f"{name}: the cluster's certificate is not trusted: {error}. Give the right certificate-authority-data in "
            "its kubeconfig, or the name the certificate is for in tls-server-name."
        ) from error


def failure(error: Exception) -> str:
    """Return what failed in a request, in words."""
    import httpx

    text = str(error) or type(error).__name__
    if isinstance(error, httpx.ConnectTimeout):
        return "it does not answer the connection"
    if isinstance(error, httpx.TimeoutException):
        return "it says nothing any more"
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError):
        return f"the connection broke ({text})"
    return text


def said_by(reply: httpx.Response) -> str:
    """Return a colon and what a Status says, in one line; empty where there is none."""
    try:
        words = str(reply.json().get("message") or "")
    except (ValueError, AttributeError):
        return ""
    return f": {' '.join(words.split())[:500]}" if words else ""
