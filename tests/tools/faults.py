"""A proxy in front of a real HTTP server that fails as it is told: the rest passes through, byte for byte."""

from __future__ import annotations

import http.client
import re
import socket
import struct
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping

PIECE = 64 * 1024


@dataclass(slots=True, kw_only=True)
class Fault:
    """What befalls the next `times` requests of `method` whose path matches `path`, after `skip` of them passed.

    One of: `status` (with `headers`) answered without asking the server; the connection reset after `cut_request`
    bytes of the request's body, or after `cut_response` bytes of the answer's; `hang` without an answer; one byte of
    the answer altered (`corrupt`).
    """

    method: str
    path: str
    times: int = 1
    skip: int = 0
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_request: int | None = None
    cut_response: int | None = None
    hang: bool = False
    corrupt: bool = False


@dataclass(slots=True)
class Proxy:
    """The proxy: its host with port, the faults to come, and what it saw: requests, bytes, credentials."""

    host: str
    connect: Callable[[], http.client.HTTPConnection]
    faults: list[Fault] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    received: int = 0
    authorized: int = 0
    released: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fault(self, method: str, path: str) -> Fault | None:
        """Note a request, and return the fault that befalls it."""
        with self.lock:
            self.requests.append((method, path))
            for each in self.faults:
                if each.times and each.method == method and re.search(each.path, path):
                    if each.skip:
                        each.skip -= 1
                        continue
                    each.times -= 1
                    return each
        return None

    def count(self, method: str, path: str) -> int:
        """Return how many requests there were."""
        return sum(1 for seen in self.requests if seen[0] == method and re.search(path, seen[1]))


@contextmanager
def before(connect: Callable[[], http.client.HTTPConnection], *, tls: ssl.SSLContext | None = None) -> Iterator[Proxy]:
    """Run a proxy before the server that `connect` gives a connection to; with `tls` it has that certificate."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.daemon_threads = True
    proxy = Proxy(f"127.0.0.1:{server.server_port}", connect)
    server.proxy = proxy  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield proxy
    finally:
        proxy.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Cut(Exception):
    """The connection is to break now."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _pass(self) -> None:
        proxy: Proxy = self.server.proxy  # type: ignore[attr-defined]
        fault = proxy.fault(self.command, self.path)
        proxy.authorized += "Authorization" in self.headers
        try:
            if fault and fault.hang:
                proxy.released.wait(60)
                raise _Cut
            if fault and fault.status:
                self._refuse(fault)
                return
            self._forward(proxy, fault)
        except _Cut:
            self._reset()
        except (OSError, http.client.HTTPException):
            self.close_connection = True

    # http.server's names
    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _pass  # noqa: N815

    def _refuse(self, fault: Fault) -> None:
        self.send_response(fault.status)
        for name, value in fault.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def _forward(self, proxy: Proxy, fault: Fault | None) -> None:
        upstream = proxy.connect()
        try:
            # the Host header is passed on, so that every Location leads back here
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                upstream.putheader(name, value)
            upstream.endheaders()
            self._send_body(proxy, upstream, fault)
            reply = upstream.getresponse()
            self._answer(reply, fault)
        finally:
            upstream.close()

    def _send_body(self, proxy: Proxy, upstream: http.client.HTTPConnection, fault: Fault | None) -> None:
        left, sent = int(self.headers.get("Content-Length") or 0), 0
        limit = fault.cut_request if fault else None
        while left:
            size = min(PIECE, left) if limit is None else min(PIECE, left, max(0, limit - sent))
            if not size:
                raise _Cut
            data = self.rfile.read(size)
            upstream.send(data)
            left, sent = left - len(data), sent + len(data)
            with proxy.lock:
                proxy.received += len(data)

    def _answer(self, reply: http.client.HTTPResponse, fault: Fault | None) -> None:
        self.send_response_only(reply.status, reply.reason)
        for name, value in reply.getheaders():
            if name.lower() not in ("connection", "transfer-encoding"):
                self.send_header(name, value)
        chunked = reply.getheader("Content-Length") is None and self.command != "HEAD" and reply.status != 204
        if chunked:
            self.send_header("Connection", "close")
        self.end_headers()
        sent = 0
        while self.command != "HEAD" and (data := reply.read1(PIECE)):
            if fault and fault.corrupt and not sent:
                data = bytes([data[0] ^ 1]) + data[1:]
            if fault and fault.cut_response is not None and sent + len(data) > fault.cut_response:
                self.wfile.write(data[: max(0, fault.cut_response - sent)])
                raise _Cut
            self.wfile.write(data)
            sent += len(data)
        self.close_connection = self.close_connection or chunked

    def _reset(self) -> None:
        """End the connection with a RST, as a broken peer does."""
        self.close_connection = True
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
