"""One Prometheus of the lab: Debian's, on loopback, watching one cluster's Envoy."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from mcci.clients import probe
from mcci.errors import UsageError
from mcci.lab.mesh.metrics import prometheus
from mcci.lab.program import Program

if TYPE_CHECKING:
    from pathlib import Path

START = 20.0  # seconds


class Prometheus(Program):
    """The Prometheus of `cluster`, at `address`; started by `with`, stopped at its end."""

    def __init__(
        self, cluster: str, folder: Path, *, address: tuple[str, int], envoy: tuple[str, int], interval: float = 1
    ) -> None:
        """`envoy` is the address of the Envoy's admin pages, `interval` the seconds between two scrapes."""
        self.cluster = cluster
        self.name = f"Prometheus of {cluster}"
        self.address = address
        self._configuration = prometheus(cluster, f"{envoy[0]}:{envoy[1]}", interval=interval)
        self._folder = folder

    @property
    def url(self) -> str:
        """Where it is asked."""
        return f"http://{self.address[0]}:{self.address[1]}"

    def start(self) -> None:
        """Start it and wait until it answers. Raises `UsageError` where it is not installed."""
        import yaml

        program = shutil.which("prometheus")
        if program is None:
            raise UsageError("the lab's metrics are a Prometheus, which is not on PATH: apt-get install prometheus")
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / "prometheus.yml"
        path.write_text(yaml.safe_dump(self._configuration, sort_keys=False))
        host, port = self.address
        daemon = self._launch(
            [
                program,
                f"--config.file={path}",
                f"--storage.tsdb.path={self._folder / 'data'}",
                "--storage.tsdb.retention.time=1d",
                f"--web.listen-address={host}:{port}",
                "--log.level=warn",
            ],
            self._folder / "prometheus.log",
        )
        daemon.wait_until(lambda: not probe.answers(host, port, "/-/ready"), seconds=START)
