"""One local cluster: its store, its API and its users, served over HTTPS from a thread."""

from __future__ import annotations

import asyncio
import base64
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
import yaml

from mcci.lab.clusters import certificates
from mcci.lab.clusters.access.users import ADMIN, Tokens, User
from mcci.lab.clusters.api.app import Api
from mcci.lab.clusters.api.bodies import LOADER
from mcci.lab.clusters.api.counter import Requests
from mcci.lab.clusters.catalog import Catalog
from mcci.lab.clusters.furnish import SERVICE_ADDRESSES, furnish
from mcci.lab.clusters.store import Store

if TYPE_CHECKING:
    from types import TracebackType

Object = dict[str, Any]
HOST = "127.0.0.1"
FINISH = 0.2  # seconds that requests get to finish when the server stops
KEPT_ALIVE = 120  # seconds; longer than Go's clients keep an idle connection, or they write into one just closed


class Cluster:
    """A cluster whose state is in a folder: objects, certificates. A context manager: in it the API answers.

    `store` is what controllers work on, `api.logs` where who runs the pods gives their logs; `requests` counts.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        *,
        port: int = 0,
        definitions: Path | None = None,
        services: str = SERVICE_ADDRESSES,
    ) -> None:
        """Open the cluster in the folder (made where it is not), with the CRDs of the files in `definitions`.

        `services` is the network of Services' addresses.
        """
        folder.mkdir(parents=True, exist_ok=True)
        certificates.ensure(folder)
        self.name = name
        self.folder = folder
        self.store = Store(folder / "objects.sqlite")
        self.requests = Requests()
        self.tokens = Tokens(certificates.signing_key(folder))
        furnish(self.store, _read(definitions) if definitions else [], services)
        self.api = Api(self.store, Catalog(self.store), self.tokens, self.requests, services=services)
        self._server = _Server(
            uvicorn.Config(
                self.api.asgi,
                host=HOST,
                port=port,
                ssl_certfile=folder / "server.crt",
                ssl_keyfile=folder / "server.key",
                http="h11",
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=KEPT_ALIVE,
                timeout_graceful_shutdown=2,
            )
        )
        self._thread = threading.Thread(target=self._serve, name=f"cluster {name}", daemon=True)

    def __enter__(self) -> Cluster:
        """Serve; return once the port answers. Raises RuntimeError where it does not."""
        self._thread.start()
        while not self._server.answers.wait(0.05):
            if not self._thread.is_alive():
                self.store.close()
                raise RuntimeError(f"the API server of cluster {self.name} did not start: see the log")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving, and close the store."""
        self._server.stop(self.api)
        self._thread.join()
        self.store.close()

    def _serve(self) -> None:
        with suppress(SystemExit):  # how uvicorn says that it could not listen; `__enter__` says it to the caller
            self._server.run()

    @property
    def alive(self) -> bool:
        """Whether it serves; for one that nobody stopped, whether it still does."""
        return self._thread.is_alive()

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._server.servers[0].sockets[0].getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """The API's address."""
        return f"https://{HOST}:{self.port}"

    def kubeconfig(self, user: User = ADMIN, *, namespace: str = "default", seconds: float | None = None) -> str:
        """Return a user's kubeconfig (YAML), good for so many seconds or for ever.

        The administrator may do everything, another user what bindings in the cluster allow.
        """
        authority = base64.b64encode((self.folder / "ca.crt").read_bytes()).decode()
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": self.name,
            "clusters": [{"name": self.name, "cluster": {"server": self.url, "certificate-authority-data": authority}}],
            "users": [{"name": self.name, "user": {"token": self.tokens.issue(user, seconds=seconds)}}],
            "contexts": [
                {"name": self.name, "context": {"cluster": self.name, "user": self.name, "namespace": namespace}}
            ],
        }
        return yaml.safe_dump(document, sort_keys=False)


class _Server(uvicorn.Server):
    """Says when it answers, and stops from another thread."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.answers = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        if self.started:
            self.answers.set()

    async def shutdown(self, sockets: Any = None) -> None:
        # A client that keeps its connection, idle, would hold the server up until it answers the end of TLS.
        asyncio.get_running_loop().call_later(FINISH, self._abort)
        await super().shutdown(sockets)

    def _abort(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    def stop(self, api: Api) -> None:
        self.should_exit = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(api.closing.set)


def _read(folder: Path) -> list[Object]:
    files = sorted(folder.glob("*.yaml"))
    return [body for file in files for body in yaml.load_all(file.read_text("utf-8"), Loader=LOADER) if body]
