"""A real Prometheus on a free port of loopback, and an exporter whose counters the test moves."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SCRAPE = 0.2  # seconds
_PATIENCE = 15.0


class Exporter:
    """Serves what `text` holds as metrics; with `down`, answers 503."""

    def __init__(self) -> None:
        self.text, self.down = "", False
        exporter = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = exporter.text.encode()
                self.send_response(503 if exporter.down else 200)
                self.send_header("content-type", "text/plain; version=0.0.4")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def count(self, **requests: tuple[int, int]) -> None:
        """Set each version's requests that succeeded and that failed; no series for those that never failed."""
        lines = []
        for version, (good, bad) in requests.items():
            labels = 'reporter="source",destination_service_name="staff",destination_service_namespace="shop",'
            labels += f'destination_version="{version}"'
            for code, value in (("200", good), ("503", bad)):
                if value or code == "200":
                    lines.append(f'istio_requests_total{{{labels},response_code="{code}"}} {value}')
        self.text = "\n".join([*lines, ""])

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def exporting() -> Iterator[Exporter]:
    """Run an exporter."""
    exporter = Exporter()
    try:
        yield exporter
    finally:
        exporter.close()


@contextmanager
def prometheus(folder: Path, *targets: str, openmetrics: str = "") -> Iterator[str]:
    """Run Prometheus with a scrape every 0.2 s of `targets`, and the past that `openmetrics` tells; yield its URL."""
    if not shutil.which("prometheus") or not shutil.which("promtool"):
        pytest.skip("prometheus is not installed (Debian's package of that name)")
    folder.mkdir(parents=True, exist_ok=True)
    if openmetrics:
        (folder / "past.om").write_text(openmetrics, "utf-8")
        create = [
            "promtool",
            "tsdb",
            "create-blocks-from",
            "openmetrics",
            str(folder / "past.om"),
            str(folder / "data"),
        ]
        subprocess.run(create, check=True, capture_output=True)
    jobs = [{"job_name": "exporter", "static_configs": [{"targets": list(targets)}]}] if targets else []
    every = f"{round(SCRAPE * 1000)}ms"
    config = {"global": {"scrape_interval": every, "scrape_timeout": every}, "scrape_configs": jobs}
    (folder / "prometheus.yml").write_text(json.dumps(config), "utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        "prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: _is_ready(url) or process.poll() is not None)
        assert process.poll() is None, (folder / "log").read_text("utf-8")
        yield url
    finally:
        process.terminate()
        process.wait(_PATIENCE)


def wait_for(met: Callable[[], bool]) -> None:
    """Return once `met`; fail when that takes too long."""
    deadline = time.monotonic() + _PATIENCE
    while not met():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=1) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False
