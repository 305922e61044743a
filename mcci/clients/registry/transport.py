"""HTTP with one registry: credentials, retries, deadlines and plain words for what failed."""

from __future__ import annotations

import ipaddress
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import mcci
from mcci.clients.registry import challenges, credentials
from mcci.clients.registry.auth import Authorizer, denial
from mcci.clients.registry.errors import Denied, NotThere, Refused, RegistryFailed, Stopped
from mcci.clients.registry.limits import PullLimit
from mcci.clients.registry.limits import parse as parse_limit
from mcci.clients.registry.reference import DOCKER_HUB
from mcci.clients.registry.retry import TRANSIENT, Policy, retry_after

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import httpx

    from mcci.clients.registry.credentials import Login

HUB_API = "registry-1.docker.io"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How registries are spoken to.

    `insecure` names the hosts that may be without TLS, besides those on this machine. `stop` ends every exchange soon
    after it is set.
    """

    environment: Mapping[str, str] = field(repr=False)
    logins: tuple[Login, ...] = ()
    insecure: frozenset[str] = frozenset()
    policy: Policy = field(default_factory=Policy)
    log: Callable[[str], None] = lambda _: None
    stop: threading.Event = field(default_factory=threading.Event)


class Transport:
    """One registry's HTTP. Safe to share among threads."""

    def __init__(self, host: str, settings: Settings) -> None:
        import httpx

        self.host, self.settings = host, settings
        self.pull_limit: PullLimit | None = None
        policy = settings.policy
        self._client = httpx.Client(
            timeout=httpx.Timeout(policy.silence, connect=policy.connect),
            headers={"User-Agent": f"mcci/{mcci.__version__}"},
            limits=httpx.Limits(max_connections=16),
            follow_redirects=False,
        )
        may_be_plain = host in settings.insecure or is_loopback(host)
        self._base = "" if may_be_plain else f"https://{HUB_API if host == DOCKER_HUB else host}"
        self._lock = threading.Lock()
        find = partial(credentials.find, host, settings.environment, settings.logins)
        self.authorizer = Authorizer(host, find, self._ask_token_service, may_be_plain=may_be_plain)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def url(self, path: str) -> str:
        """Return the URL of `path`, which may be a whole URL, as in a `Location`."""
        return urljoin(self.base + "/", path)

    @property
    def base(self) -> str:
        """The registry's scheme and authority; one that may be without TLS is asked which it has."""
        with self._lock:
            if not self._base:
                self._base = self._probe()
            return self._base

    def request(self, method: str, path: str, scope: str, *, what: str, **options: Any) -> httpx.Response:
        """Send a request until it is answered for good, and return the answer: 2xx, 3xx or 404.

        `what` says what the request is for, in messages. Raises `Denied`, `Refused`, `RegistryFailed`, `Stopped`.
        """
        return self._retried(lambda: self.once(method, path, scope, **options), what)

    def once(self, method: str, path: str, scope: str, **options: Any) -> httpx.Response:
        """Send a request once (twice when the registry wants credentials) and return whatever it answers, read.

        `content` may be a function that gives the body anew. Raises `httpx.TransportError`.
        """
        with self.stream(method, path, scope, **options) as reply:
            reply.read()
            return reply

    @contextmanager
    def stream(self, method: str, path: str, scope: str, **options: Any) -> Iterator[httpx.Response]:
        """Like `once`, the answer's body unread."""
        url = self.url(path)
        mine = urlsplit(url)[:2] == urlsplit(self.base)[:2]  # what a Location names elsewhere learns no credentials
        reply = self._send(method, url, self.authorizer.header(scope) if mine else "", options)
        try:
            challenge = challenges.parse(reply.headers.get("WWW-Authenticate", "")) if mine else None
            used = reply.request.headers.get("Authorization", "")
            if reply.status_code == 401 and challenge and self.authorizer.challenged(challenge, scope, used):
                reply.read()
                reply.close()
                reply = self._send(method, url, self.authorizer.header(scope), options)
            self.pull_limit = parse_limit(reply.headers) or self.pull_limit
            yield reply
        finally:
            reply.close()

    def _send(self, method: str, url: str, authorization: str, options: Mapping[str, Any]) -> httpx.Response:
        if self.settings.stop.is_set():
            raise Stopped("stopped.")
        given = dict(options)
        content = given.pop("content", None)
        follow = given.pop("follow", False)
        headers = {**given.pop("headers", {}), **({"Authorization": authorization} if authorization else {})}
        body = content() if callable(content) else content
        request = self._client.build_request(method, url, headers=headers, content=body, **given)
        return self._client.send(request, stream=True, follow_redirects=follow)

    def _retried(self, send: Callable[[], httpx.Response], what: str) -> httpx.Response:
        import httpx

        policy = self.settings.policy
        for attempt in range(1, policy.attempts + 1):
            asked = None
            try:
                reply = send()
            except httpx.TransportError as error:
                reason = said(error)
            except httpx.InvalidURL as error:
                raise Refused(f"{self.host} answered with an address that is none: {error}", status=0) from error
            else:
                if reply.status_code not in TRANSIENT:
                    return self.checked(reply, what)
                reason = f"it answered {reply.status_code} {reply.reason_phrase}"
                asked = retry_after(reply.headers.get("Retry-After"))
            if attempt < policy.attempts:
                self.pause(attempt, what, reason, asked)
        raise RegistryFailed(f"{self.host} failed while {what}, {policy.attempts} times: {reason}.")

    def pause(self, attempt: int, what: str, reason: str, asked: float | None = None) -> None:
        """Wait before another attempt. Raises `RegistryFailed` when the registry asks for more than mcci waits."""
        policy = self.settings.policy
        if asked is not None and asked > policy.patience:
            raise RegistryFailed(
                f"{self.host} wants to be left alone for {asked:.0f} s ({reason}). Run again after that."
            )
        delay = policy.wait(attempt, asked)
        self.settings.log(f"{self.host}: {what}: {reason}; again in {delay:.1f} s ({attempt} of {policy.attempts - 1})")
        if self.settings.stop.wait(delay):
            raise Stopped("stopped.")

    def checked(self, reply: httpx.Response, what: str) -> httpx.Response:
        """Return `reply` when it is 2xx, 3xx or 404. Raises `Denied` or `Refused`, with the registry's own words."""
        status = reply.status_code
        if status < 400 or status == 404:
            return reply
        if status in (401, 403):
            words = _words(reply)
            message = denial(self.host, self.authorizer.source, status, f"for {what}")
            raise Denied(f"{message} It says: {words}." if words and status == 403 else message)
        raise Refused(f"{self.host} refused {what} ({status}{_colon(_words(reply))}).", status=status)

    def missing(self, what: str) -> NotThere:
        """Return the error for what the registry does not have."""
        return NotThere(f"{self.host} has no {what}.")

    def _ask_token_service(self, method: str, url: str, **options: Any) -> httpx.Response:
        import httpx

        def send() -> httpx.Response:
            return self._client.request(method, url, **options)

        policy = self.settings.policy
        what = f"asking {urlsplit(url).netloc} for a token"
        for attempt in range(1, policy.attempts + 1):
            try:
                reply = send()
                if reply.status_code not in TRANSIENT:
                    return reply
                reason, asked = f"it answered {reply.status_code}", retry_after(reply.headers.get("Retry-After"))
            except httpx.TransportError as error:
                reason, asked = said(error), None
            if attempt < policy.attempts:
                self.pause(attempt, what, reason, asked)
        raise RegistryFailed(f"{self.host}: {what} failed {policy.attempts} times: {reason}.")

    def _probe(self) -> str:
        """Ask with TLS first; only a peer that does not speak it is spoken to in plain HTTP."""
        import httpx

        policy = self.settings.policy
        reason = ""
        for attempt in range(1, policy.attempts + 1):
            try:
                self._client.get(f"https://{self.host}/v2/")
                return f"https://{self.host}"
            except httpx.TransportError as error:
                reason = said(error)
                if _is_no_tls(error):
                    return f"http://{self.host}"
                if "certificate" in reason.lower():
                    raise RegistryFailed(_distrust(self.host, reason)) from error
            if attempt < policy.attempts:
                self.pause(attempt, "connecting", reason)
        raise RegistryFailed(f"{self.host} cannot be reached, after {policy.attempts} attempts: {reason}.")


def is_loopback(host: str) -> bool:
    """Return whether `host` (perhaps with a port) is this machine."""
    name = urlsplit(f"//{host}").hostname or ""
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def said(error: Exception) -> str:
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


def _is_no_tls(error: Exception) -> bool:
    text = str(error).upper()
    return any(
        mark in text for mark in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD LAYER FAILURE", "PACKET LENGTH")
    )


def _distrust(host: str, reason: str) -> str:
    return (
        f"{host}'s certificate is not trusted: {reason}. Where its authority is your own, name the authority's"
        " certificate in SSL_CERT_FILE."
    )


def _words(reply: httpx.Response) -> str:
    """Return the registry's own words, from the specification's error body, in one line."""
    try:
        errors = reply.json()["errors"]
        found = "; ".join(f"{each.get('message') or each.get('code')}" for each in errors)
    except (ValueError, KeyError, TypeError, AttributeError):
        found = ""
    return " ".join(found.split())[:300]


def _colon(words: str) -> str:
    return f": {words}" if words else ""
