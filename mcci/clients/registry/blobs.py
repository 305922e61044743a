"""Blobs, streamed: read in pieces, resumed where they broke off, written in parts that can be resumed.

A part is one PATCH. A registry such as distribution 2.x forgets a part that broke off and keeps the ones before; others
keep what they got of it. Either way the upload goes on from what the registry says it has.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from mcci.clients.registry.errors import Mismatch, NotThere, Refused, RegistryFailed, Stopped
from mcci.clients.registry.retry import TRANSIENT, retry_after
from mcci.clients.registry.transport import said

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from mcci.clients.registry.manifests import Descriptor
    from mcci.clients.registry.reference import Reference
    from mcci.clients.registry.transport import Transport

PART = 64 * 2**20  # bytes in one PATCH
PIECE = 256 * 1024  # bytes handed on at a time


class Hasher(Protocol):
    """What `hashlib` gives."""

    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...
    def copy(self) -> Hasher: ...


class Source(Protocol):
    """Gives the bytes of a blob from `start` to before `end`, as often as asked."""

    def __call__(self, start: int, end: int, /) -> Iterator[bytes]: ...


def read(http: Transport, repository: Reference, blob: Descriptor, start: int = 0, end: int = 0) -> Iterator[bytes]:
    """Yield the bytes of a blob from `start` to before `end` (0: to its end), going on where a connection broke.

    Raises `NotThere`, and `RegistryFailed` when there is no getting on any more.
    """
    import httpx

    end = end or blob.size
    path, what = (
        f"/v2/{repository.repository}/blobs/{blob.digest}",
        f"reading the blob {blob.digest} of {repository.name}",
    )
    scope, attempt = f"repository:{repository.repository}:pull", 1
    while start < end:
        headers = {"Accept-Encoding": "identity"}
        headers |= {"Range": f"bytes={start}-{end - 1}"} if start or end < blob.size else {}
        asked = None
        try:
            with http.stream("GET", path, scope, headers=headers, follow=True) as reply:
                reason, asked = f"it answered {reply.status_code}", retry_after(reply.headers.get("Retry-After"))
                if reply.status_code == 404:
                    raise http.missing(f"blob {blob.digest} in {repository.repository}")
                if reply.status_code not in TRANSIENT:
                    if reply.status_code >= 400:
                        reply.read()
                    http.checked(reply, what)
                    for piece in _pieces(reply, start, end):
                        start += len(piece)
                        attempt = 1
                        if http.settings.stop.is_set():
                            raise Stopped("stopped.")
                        yield piece
                    reason = "it ended too early"
        except httpx.TransportError as error:
            reason = said(error)
        if start < end:
            if attempt >= http.settings.policy.attempts:
                raise RegistryFailed(f"{http.host} failed while {what}, {attempt} times: {reason}.")
            http.pause(attempt, what, reason, asked)
            attempt += 1


def _pieces(reply: httpx.Response, start: int, end: int) -> Iterator[bytes]:
    """Yield what was asked for, whether the registry honours ranges (206) or sends everything (200)."""
    skip = start if reply.status_code == 200 else 0
    left = end - start
    for piece in reply.iter_raw(PIECE):
        wanted = piece[skip : skip + left] if skip or len(piece) > left else piece
        skip = max(0, skip - len(piece))
        left -= len(wanted)
        if wanted:
            yield wanted
        if not left:
            return


def verified(pieces: Iterator[bytes], blob: Descriptor, repository: Reference) -> Iterator[bytes]:
    """Yield `pieces`, and raise `Mismatch` at the end when they are not what the digest says."""
    hasher = hasher_of(blob.digest)
    for piece in pieces:
        hasher.update(piece)
        yield piece
    check(hasher, blob, f"{repository.name}")


def hasher_of(digest: str) -> Hasher:
    """Return a new hash of the digest's algorithm."""
    return hashlib.new(digest.partition(":")[0])


def check(hasher: Hasher, blob: Descriptor, where: str) -> None:
    """Raise `Mismatch` when what was hashed is not the blob."""
    algorithm = blob.digest.partition(":")[0]
    if blob.digest != f"{algorithm}:{hasher.hexdigest()}":
        raise Mismatch(
            f"the blob {blob.digest} of {where} has the digest {algorithm}:{hasher.hexdigest()}: it was altered in the"
            " registry or on the way. Nothing was tagged."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Progress:
    """How far an upload is: where to go on, how many bytes the registry has, and their hash."""

    location: str
    offset: int
    hasher: Hasher


def upload(http: Transport, repository: Reference, blob: Descriptor, source: Source, mount_from: str = "") -> bool:
    """Store a blob; return False when it was mounted from the repository `mount_from` of the same registry instead.

    The bytes are hashed on their way. Raises `Mismatch` before the registry is told to keep a blob that is not what its
    digest says.
    """
    return _Upload(http, repository, blob, source).run(mount_from)


class _Upload:
    def __init__(self, http: Transport, repository: Reference, blob: Descriptor, source: Source) -> None:
        self.http, self.repository, self.blob, self.source = http, repository, blob, source
        self.scope = f"repository:{repository.repository}:pull,push"
        self.what = f"writing the blob {blob.digest} to {repository.name}"

    def run(self, mount_from: str) -> bool:
        begun = self._begin(mount_from)
        if begun is None:
            return False
        try:
            done = self._send_all(begun)
            check(done.hasher, self.blob, "the source")
        except BaseException:
            self._cancel(begun.location)
            raise
        self._finish(done)
        return True

    def _begin(self, mount_from: str = "") -> _Progress | None:
        path, scope = f"/v2/{self.repository.repository}/blobs/uploads/", self.scope
        if mount_from:
            path += f"?mount={self.blob.digest}&from={mount_from}"
            scope += f" repository:{mount_from}:pull"
        reply = self.http.request("POST", path, scope, what=self.what, content=b"")
        if reply.status_code == 201:
            return None
        if reply.status_code != 202 or "Location" not in reply.headers:
            raise Refused(f"{self.http.host} does not take {self.repository.name} ({reply.status_code}).", status=404)
        return _Progress(location=self._next(reply), offset=0, hasher=hasher_of(self.blob.digest))

    def _send_all(self, progress: _Progress) -> _Progress:
        import httpx

        attempt, part = 1, PART
        while progress.offset < self.blob.size:
            asked = None
            end = min(progress.offset + part, self.blob.size)
            try:
                reply, hasher = self._send_part(progress, end)
            except httpx.TransportError as error:
                reason = said(error)
            else:
                if reply.status_code < 300:
                    progress, attempt = _Progress(location=self._next(reply), offset=end, hasher=hasher), 1
                    continue
                if reply.status_code not in {*TRANSIENT, 401, 404, 416} and part < self.blob.size:
                    part, progress = self.blob.size, self._restarted()  # a registry that takes no parts
                    continue
                reason, asked = f"it answered {reply.status_code}", retry_after(reply.headers.get("Retry-After"))
                if reply.status_code not in {*TRANSIENT, 404, 416}:
                    self.http.checked(reply, self.what)
            if attempt >= self.http.settings.policy.attempts:
                raise RegistryFailed(f"{self.http.host} failed while {self.what}, {attempt} times: {reason}.")
            self.http.pause(attempt, self.what, reason, asked)
            progress, attempt = self._resumed(progress), attempt + 1
        return progress

    def _send_part(self, progress: _Progress, end: int) -> tuple[httpx.Response, Hasher]:
        hashers: list[Hasher] = []

        def body() -> Iterator[bytes]:
            hasher = progress.hasher.copy()
            hashers.append(hasher)
            for piece in self.source(progress.offset, end):
                hasher.update(piece)
                yield piece

        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(end - progress.offset),
            "Content-Range": f"{progress.offset}-{end - 1}",
        }
        reply = self.http.once("PATCH", progress.location, self.scope, headers=headers, content=body)
        return reply, hashers[-1]

    def _resumed(self, progress: _Progress) -> _Progress:
        """Ask how far the registry is and go on from there; begin again where it does not know the upload any more."""
        try:
            reply = self.http.request("GET", progress.location, self.scope, what=self.what)
        except Refused:
            return self._restarted()
        _, dash, last = reply.headers.get("Range", "").removeprefix("bytes=").partition("-")
        if reply.status_code not in (202, 204) or not dash or not last.isdigit():
            return self._restarted()
        reached = int(last) + 1 if int(last) else 0  # `0-0` stands for nothing as well as for one byte
        if not progress.offset <= reached <= self.blob.size:
            return self._restarted()
        hasher = progress.hasher.copy()
        for piece in self.source(progress.offset, reached) if reached > progress.offset else ():
            hasher.update(piece)
        self.http.settings.log(f"{self.http.host}: {self.what}: going on from byte {reached:,}")
        return _Progress(location=self._next(reply, progress.location), offset=reached, hasher=hasher)

    def _restarted(self) -> _Progress:
        begun = self._begin()
        assert begun is not None
        return begun

    def _finish(self, progress: _Progress) -> None:
        mark = "&" if urlsplit(progress.location).query else "?"
        url = f"{progress.location}{mark}digest={self.blob.digest}"
        reply = self.http.request("PUT", url, self.scope, what=self.what, content=b"")
        if reply.status_code == 404 and not self._is_there():  # an answer that was lost makes the second PUT a 404
            raise NotThere(
                f"{self.http.host} lost the upload of {self.blob.digest} to {self.repository.name}. Run again."
            )

    def _is_there(self) -> bool:
        path = f"/v2/{self.repository.repository}/blobs/{self.blob.digest}"
        return self.http.request("HEAD", path, self.scope, what=self.what, follow=True).status_code < 300

    def _cancel(self, location: str) -> None:
        """Tell the registry to drop what it has; that it would do anyway, later."""
        import httpx

        try:
            self.http.once("DELETE", location, self.scope)
        except (httpx.TransportError, httpx.InvalidURL, Stopped, RegistryFailed):
            return

    def _next(self, reply: httpx.Response, otherwise: str = "") -> str:
        return self.http.url(reply.headers.get("Location") or otherwise)
