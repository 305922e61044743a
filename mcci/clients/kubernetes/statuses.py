"""What the API's refusals mean, as mcci's errors.

Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcci.clients.kubernetes.api import Conflict, NotAllowed, NotFound, NotTaken, Refused, Unreachable
from mcci.errors import McciError

if TYPE_CHECKING:
    import httpx

    from mcci.clients.kubernetes.api import Object

MISSING, CONFLICT, GONE = 404, 409, 410
# what the server writes into an object, and who reads it need not have sent
_SERVERS = frozenset({"resourceVersion", "managedFields", "uid", "generation", "creationTimestamp", "selfLink"})


def check(cluster: str, reply: httpx.Response) -> None:
    """Raise the error that an answer means, if it is one."""
    if reply.status_code < 300:
        return
    try:
        status = reply.json()
    except ValueError:
        status = {}
    raise error_of(cluster, reply.status_code, status if isinstance(status, dict) else {})


def error_of(cluster: str, code: int, status: Object) -> McciError:
    """Return the error that a Status means."""
    said = " ".join(str(status.get("message") or "it does not say why").split())[:1000]
    causes = {str(cause.get("reason")) for cause in (status.get("details") or {}).get("causes") or []}
    if code == 401:
        return NotTaken(
            f"{cluster}: the cluster does not take the credentials (401). Have they run out? Give the job new ones."
        )
    if code == 403 and ("NamespaceTerminating" in causes or "admission webhook" in said):
        return Refused(f"{cluster}: {said}")
    if code == 403:
        return NotAllowed(f"{cluster}: {said}. `mcci doctor --rbac` prints the role that the commands need.")
    if code == CONFLICT:
        return Conflict(f"{cluster}: {said}")
    if code == MISSING:
        return NotFound(f"{cluster}: {said}")
    if 300 <= code < 400 or code >= 500:
        return Unreachable(f"{cluster}: the cluster's address answers {code}: {said}")
    return Refused(f"{cluster}: the cluster refuses it ({code}): {said}")


def holds(current: Any, wanted: Any) -> bool:
    """Whether an object has all that `wanted` has: it is what was sent, with what the server added. None is nothing."""
    if isinstance(wanted, dict):
        return isinstance(current, dict) and all(
            holds(current.get(key), value) for key, value in wanted.items() if key not in _SERVERS
        )
    if isinstance(wanted, list):
        return (
            isinstance(current, list)
            and len(current) == len(wanted)
            and all(holds(have, want) for have, want in zip(current, wanted, strict=True))
        )
    return bool(current == wanted)
