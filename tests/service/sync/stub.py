"""A small GitLab on loopback: merge requests by API v4, and git over HTTP by git's own `http-backend`."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from base64 import b64decode
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "glpat-secret-of-the-test"


@dataclass(slots=True)
class GitLab:
    """What the stub is told and what it saw; `fail` are status codes to answer the next API requests with."""

    url: str
    repositories: Path
    merge_requests: list[dict[str, Any]] = field(default_factory=list)
    fail: list[int] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open_ones(self) -> set[tuple[str, str]]:
        """Return the open merge requests as (source branch, target branch)."""
        return {
            (each["source_branch"], each["target_branch"]) for each in self.merge_requests if each["state"] == "opened"
        }


@contextmanager
def running(repositories: Path) -> Iterator[GitLab]:
    """Run a stub that serves the bare repositories below a folder; every request needs `TOKEN`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    host, port = server.server_address[:2]
    gitlab = GitLab(f"http://{host!s}:{port}", repositories)
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

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self._body())

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _answer(self, body: bytes) -> None:
        gitlab: GitLab = self.server.gitlab  # type: ignore[attr-defined]
        url = urlsplit(self.path)
        gitlab.requests.append(f"{self.command} {unquote(url.path)}")
        if url.path.startswith("/api/v4/"):
            self._api(gitlab, url.path, {key: values[0] for key, values in parse_qs(url.query).items()}, body)
        else:
            self._git(gitlab, url.path, url.query, body)

    def _api(self, gitlab: GitLab, path: str, query: dict[str, str], body: bytes) -> None:
        if gitlab.fail:
            code = gitlab.fail.pop(0)
            return self._json(code, {"message": f"the stub was told to answer {code}"})
        if self.headers.get("PRIVATE-TOKEN") != TOKEN:
            return self._json(401, {"message": "401 Unauthorized"})
        if unquote(path) != "/api/v4/projects/group/shop/merge_requests":
            return self._json(404, {"message": "404 Project Not Found"})
        if self.command == "GET":
            found = [
                each for each in gitlab.merge_requests if all(each[key] == query[key] for key in query if key in each)
            ]
            return self._json(200, found)
        made = json.loads(body)
        number = len(gitlab.merge_requests) + 1
        made |= {"id": number, "iid": number, "state": "opened"}
        made["web_url"] = f"{gitlab.url}/group/shop/-/merge_requests/{number}"
        gitlab.merge_requests.append(made)
        return self._json(201, made)

    def _git(self, gitlab: GitLab, path: str, query: str, body: bytes) -> None:
        expected = f"oauth2:{TOKEN}"
        scheme, _, given = self.headers.get("Authorization", "").partition(" ")
        if scheme != "Basic" or b64decode(given).decode() != expected:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="GitLab"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        done = subprocess.run(
            ["git", "http-backend"],
            input=body,
            env={
                "PATH": os.environ["PATH"],
                "GIT_PROJECT_ROOT": str(gitlab.repositories),
                "GIT_HTTP_EXPORT_ALL": "1",
                "REMOTE_USER": "somebody",
                "REQUEST_METHOD": self.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            },
            capture_output=True,
            check=True,
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(headers.pop("Status", "200").split(" ")[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _json(self, code: int, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))
