"""The environment's namespace: made with the label that has the mesh inject its proxies, and refused when another's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.clients.kubernetes.api import NAMESPACE, Conflict
from mcci.errors import UsageError

if TYPE_CHECKING:
    from mcci.clients.kubernetes.api import ClusterApi, Object

APPLICATION = "mcci.io/application"
INJECTION = "istio-injection"
REVISION = "istio.io/rev"
MANAGED_BY = "app.kubernetes.io/managed-by"


def find(api: ClusterApi, name: str, application: str) -> Object | None:
    """Return the namespace; None where there is none. Raises `UsageError` where it is not this application's."""
    found = api.get(NAMESPACE, name)
    if found is None:
        return None
    owner = (found["metadata"].get("labels") or {}).get(APPLICATION)
    if owner != application:
        whose = f"belongs to the application '{owner}'" if owner else "was not made by mcci"
        raise UsageError(
            f"{api.name}: the namespace '{name}' {whose}, so nothing was changed in it. Give another with `namespace` "
            f"of the environment in mcci.yml; or, if it is '{application}' that lives there, say so: "
            f"`kubectl label namespace {name} {APPLICATION}={application} --overwrite`."
        )
    return found


def ensure(api: ClusterApi, name: str, application: str, found: Object | None) -> None:
    """Make the namespace where `found` is None, and have the mesh inject its proxies. Raises `UsageError` as `find`."""
    if found is None:
        labels = {APPLICATION: application, MANAGED_BY: "mcci", INJECTION: "enabled"}
        try:
            api.create(
                NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
            )
        except Conflict:  # another job made it just now
            find(api, name, application)
        return
    has = found["metadata"].get("labels") or {}
    if INJECTION not in has and REVISION not in has:  # whoever said `disabled` or named a revision meant it
        api.merge(NAMESPACE, name, "", {"metadata": {"labels": {INJECTION: "enabled"}}})
