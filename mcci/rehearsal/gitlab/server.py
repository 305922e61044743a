"""The local GitLab served over HTTP on loopback, from a thread."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self

from mcci.errors import ServiceFailed
from mcci.rehearsal.gitlab.api.app import app

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.routing import BaseRoute

    from mcci.rehearsal.gitlab.site import Site

ADDRESS = "127.0.0.1"
START = 20.0  # seconds
TICK = 0.2  # seconds between two looks at delayed jobs


class Server:
    """Serves a site, from `with` to its end; `site.url` is then where."""

    def __init__(self, site: Site, *, port: int = 0, more: Iterable[BaseRoute] = ()) -> None:
        """`port` 0 takes a free one; `more` are the routes of a page."""
        import uvicorn

        self.site = site
        configuration = uvicorn.Config(
            app(site, more), host=ADDRESS, port=port, log_level="error", lifespan="off", access_log=False,
            timeout_graceful_shutdown=1, ws="none",
        )  # fmt: skip
        self._server = uvicorn.Server(configuration)
        self._thread = threading.Thread(target=self._server.run, name="gitlab", daemon=True)
        self._stopped = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="gitlab clock", daemon=True)

    def start(self) -> None:
        """Begin to serve. Raises `ServiceFailed` where the port is taken."""
        self._thread.start()
        end = time.monotonic() + START
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > end:
                raise ServiceFailed("the local GitLab could not be served: is its port taken?")
            time.sleep(0.01)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.site.url = f"http://{ADDRESS}:{port}"
        self.site.save()
        self._ticker.start()

    def stop(self) -> None:
        """Serve no more."""
        self._stopped.set()
        self.site.closed.set()
        self._server.should_exit = True
        self._thread.join()

    def _tick(self) -> None:
        while not self._stopped.wait(TICK):
            self.site.gitlab.tick()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
