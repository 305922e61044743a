"""A runtime without containers, for tests of the API: pods are ready at once, and fail as an annotation tells.

`lab.mcci.io/fake` on the pod (in its template) is one of: `pull-fails`, `crashes`, `never-ready`, `exits=CODE`,
`slow=SECONDS` (until ready), `starts-failing` (the container cannot be made). Several are separated by commas.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mcci.lab.clusters.pods.model import Image, ProbeKind, PullFailed, StartFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcci.lab.clusters.pods.model import ContainerSpec, Probe

ANNOTATION = "lab.mcci.io/fake"
PATIENT = False
NO_DIGEST = f"sha256:{0:064x}"
SIGTERM = 128 + 15


def told(annotations: Mapping[str, str]) -> dict[str, str]:
    """Return what the annotation asks for: word → value, empty where it has none."""
    words = [word.strip() for word in annotations.get(ANNOTATION, "").split(",") if word.strip()]
    return {word.partition("=")[0]: word.partition("=")[2] for word in words}


class FakeContainer:
    """A container that does nothing, until it is told to end."""

    def __init__(self, spec: ContainerSpec) -> None:
        self._told = told(spec.annotations)
        self._ended = asyncio.get_running_loop().create_future()
        self._since = asyncio.get_running_loop().time()
        if "crashes" in self._told:
            self._ended.set_result(1)
        elif "exits" in self._told or spec.ends:
            self._ended.set_result(int(self._told.get("exits") or 0))

    async def wait(self) -> int:
        """Return the exit code that was asked for, or SIGTERM's."""
        return int(await asyncio.shield(self._ended))

    async def stop(self, grace: float) -> None:
        """End at once."""
        if not self._ended.done():
            self._ended.set_result(SIGTERM)

    async def ask(self, probe: Probe) -> str:
        """Answer well, unless the annotation says otherwise."""
        if probe.kind is not ProbeKind.READINESS:
            return ""
        if "never-ready" in self._told:
            return "HTTP probe failed with statuscode: 503"
        waited = asyncio.get_running_loop().time() - self._since
        return "not yet" if waited < float(self._told.get("slow") or 0) else ""

    async def execute(self, command: tuple[str, ...], timeout: float) -> tuple[int, str]:
        """Do nothing, well."""
        return 0, ""


class FakeRuntime:
    """The runtime of `pods="fake"`."""

    PATIENT = False

    async def pull(self, image: str, policy: str, annotations: Mapping[str, str]) -> Image:
        """Say that the image is there; its id is its name, with a digest where it has none."""
        if "pull-fails" in told(annotations):
            raise PullFailed(f'failed to resolve reference "{image}": not found')
        name, _, digest = image.partition("@")
        repository = name if digest else name.rpartition(":")[0] if ":" in name.rpartition("/")[2] else name
        return Image(name=image, id=f"{repository}@{digest or NO_DIGEST}")

    async def start(self, spec: ContainerSpec, log: Callable[[bytes], None]) -> FakeContainer:
        """Start nothing, and log one line that says so."""
        if "starts-failing" in told(spec.annotations):
            raise StartFailed("failed to create containerd task: the annotation asks for it")
        log(f"{spec.name} of {spec.pod}: no container, its pod is a fake\n".encode())
        return FakeContainer(spec)

    def clean(self) -> None:
        """There is nothing that could be left."""
