"""Versions of a service, as threads: each answers its name, and may be told to fail."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from mcci.lab.mesh.model import Pod


class Backend:
    """One pod of a version, on loopback."""

    def __init__(
        self,
        version: str,
        *,
        cluster: str = "aws",
        app: str = "staff-service",
        address: tuple[str, int] = ("127.0.0.1", 0),
    ) -> None:
        self.version = version
        self.cluster = cluster
        self.app = app
        self.failing = False
        backend = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                body = backend.body()
                self.send_response(500 if backend.failing else 200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(address, Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def body(self) -> bytes:
        """Return what it answers."""
        return self.version.encode()

    @property
    def pod(self) -> Pod:
        """What the mesh sees of it."""
        return Pod(
            name=f"{self.app}-{self.version}",
            cluster=self.cluster,
            namespace="vehicles",
            address="127.0.0.1",
            labels={"app": self.app, "version": self.version},
            ports={"http": self._server.server_port},
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
