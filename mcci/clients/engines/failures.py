"""An engine's words for what went wrong, told apart: the Dockerfile's fault, the user's, or a service's."""

from __future__ import annotations

import re

from mcci.clients.engines.model import BuildFailed, EngineFailed
from mcci.errors import McciError, UsageError

_DISK = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)
_DENIED = re.compile(
    r"access denied|unauthorized|authentication required|no basic auth|denied:|incorrect username"
    r"|access to the resource is denied",
    re.IGNORECASE,
)
_AWAY = re.compile(
    r"connection (refused|reset)|i/o timeout|no such host|TLS handshake timeout|context deadline exceeded"
    r"|unexpected EOF|toomanyrequests|too many requests"
    r"|received unexpected HTTP status: 5\d\d|temporary failure in name resolution",
    re.IGNORECASE,
)


def told(what: str, said: str, log: tuple[str, ...] = (), *, running: bool = False) -> McciError:
    """Return the error for what an engine `said` when it should do `what` ("building web").

    `running` says that a command of the Dockerfile failed: then its words are about itself, except for a full disk.
    """
    said = " ".join(said.split())
    if _DISK.search(said) or any(_DISK.search(line) for line in log):
        advice = "Free some on the runner (`docker system prune`, `buildah rmi --prune`), and run the job again."
        return EngineFailed(f"{what} failed: the engine's disk is full ({said}). {advice}", log)
    if running:
        return BuildFailed(f"{what} failed: {said}", log)
    if _DENIED.search(said):
        advice = "Give credentials: `docker login`, $DOCKER_AUTH_CONFIG, or the variables that mcci.yml names."
        return UsageError(f"{what} failed: the registry does not let the engine in ({said}). {advice}")
    if _AWAY.search(said):
        return EngineFailed(f"{what} failed: {said}. Run it again when the service answers.", log)
    return BuildFailed(f"{what} failed: {said}", log)
