"""What the tests of secrets share: the arguments of all processes, watched, and buildah with images of its own."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path

from tests.service.registry.servers import need


class Arguments:
    """Watches the arguments of every process while something runs."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Arguments:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._end.is_set():
            self.seen |= set(self.now().splitlines())
            time.sleep(0.02)

    @staticmethod
    def now() -> str:
        """Return the arguments of every process that runs, one a line."""
        lines = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                found = (folder / "cmdline").read_bytes().replace(b"\0", b" ").replace(b"\n", b" ")
                lines.append(found.decode(errors="replace"))
        return "\n".join(lines)


def buildah_environment(store: Path) -> dict[str, str]:
    """Return the variables that make buildah the engine, its images in the folder `store`."""
    need("buildah", "buildah")
    store.mkdir(exist_ok=True)
    configuration = store / "storage.conf"
    configuration.write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{store / "root"}"\nrunroot = "{store / "run"}"\n', encoding="utf-8"
    )
    return {
        "MCCI_ENGINE": "buildah", "BUILDAH_ISOLATION": "chroot", "STORAGE_DRIVER": "vfs",
        "CONTAINERS_STORAGE_CONF": str(configuration),
    }  # fmt: skip
