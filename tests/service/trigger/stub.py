"""A small GitLab on loopback: the pipelines' part of API v4."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

JOB_TOKEN, TRIGGER_TOKEN, ACCESS_TOKEN = "glcbt-job-secret", "glptt-trigger-secret", "glpat-access-secret"
PROJECT = "/api/v4/projects/group/shop"


@dataclass(slots=True)
class GitLab:
    """What the stub is told, and what it saw.

    `statuses` are what a pipeline shows, look after look, the last one for ever; `children` likewise what its child
    shows; `answers` are (status, body) to answer the next requests with instead.
    """

    url: str
    statuses: list[str] = field(default_factory=lambda: ["created"])
    children: list[str] = field(default_factory=list)
    answers: list[tuple[int, Any]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    started: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def running() -> Iterator[GitLab]:
    """Run a stub."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    gitlab = GitLab(f"http://127.0.0.1:{server.server_port}")
    server.gitlab = gitlab  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield gitlab
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self) -> None:
        gitlab: GitLab = self.server.gitlab  # type: ignore[attr-defined]
        path = self._seen(gitlab)
        if gitlab.answers:
            return self._json(*gitlab.answers.pop(0))
        if self.headers.get("PRIVATE-TOKEN") != ACCESS_TOKEN:
            return self._json(401, {"message": "401 Unauthorized"})
        if path == f"{PROJECT}/pipelines/7":
            return self._json(200, _pipeline(gitlab.url, _next(gitlab.statuses)))
        if path == f"{PROJECT}/pipelines/7/bridges":
            child = {"id": 8, "status": _next(gitlab.children)}
            return self._json(200, [{"id": 1, "status": "running", "downstream_pipeline": child}])
        return self._json(404, {"message": "404 Not Found"})

    def do_POST(self) -> None:
        gitlab: GitLab = self.server.gitlab  # type: ignore[attr-defined]
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        path = self._seen(gitlab)
        if gitlab.answers:
            return self._json(*gitlab.answers.pop(0))
        if path != f"{PROJECT}/trigger/pipeline" or body.get("token") not in (JOB_TOKEN, TRIGGER_TOKEN):
            return self._json(404, {"message": "404 Not Found"})
        gitlab.started.append(body)
        return self._json(201, _pipeline(gitlab.url, "created"))

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _seen(self, gitlab: GitLab) -> str:
        path = unquote(self.path.partition("?")[0])
        gitlab.requests.append(f"{self.command} {path.removeprefix(PROJECT)}")
        return path

    def _json(self, code: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _next(statuses: list[str]) -> str:
    return statuses.pop(0) if len(statuses) > 1 else statuses[0]


def _pipeline(url: str, status: str) -> dict[str, Any]:
    return {"id": 7, "status": status, "web_url": f"{url}/group/shop/-/pipelines/7"}
