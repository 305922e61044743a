"""The ways of control planes to other clusters' APIs: which there are, which must be made anew and why."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mcci.clients.kubernetes import client, kubeconfig
from mcci.clients.kubernetes.api import CONFIG_MAP
from mcci.errors import UsageError
from mcci.mesh import remote_secrets, rights

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mcci.mesh.place import Found, Place
    from mcci.mesh.plan import Plan
    from mcci.mesh.remote_secrets import Remote

LEAST = timedelta(days=7)  # a token that ends sooner is renewed, unless its whole life is short
LOCAL = ("127.", "localhost", "[::1]", "0.0.0.0")  # noqa: S104 - addresses that mean another machine elsewhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A control plane's way to a cluster: what it has now, and why that must be made anew; empty where it stays."""

    watcher: str
    watched: str
    reason: str
    endpoint: tuple[str, str] = field(repr=False)  # the API's address, its CA in base64
    has: Remote | None = field(default=None, repr=False)


def link(watcher: str, watched: str, found: Found, endpoint: tuple[str, str], now: datetime, *, rotate: bool) -> Link:
    """Return a control plane's way to a cluster, by what is in its own; `endpoint` is where the API is, and its CA."""
    name = f"{remote_secrets.PREFIX}{watched}"
    secret = next((each for each in found.remote_secrets if each["metadata"]["name"] == name), None)
    if secret is None:
        return Link(watcher=watcher, watched=watched, endpoint=endpoint, reason="new")
    try:
        has = remote_secrets.read(secret)
    except UsageError:
        return Link(watcher=watcher, watched=watched, endpoint=endpoint, reason="it could not be read")
    reason = "asked for" if rotate else ""
    if (has.server, has.authority) != endpoint:
        reason = "the API server's address or CA has changed"
    elif has.expires is None:
        reason = "its token has no end"
    elif now > has.expires:
        reason = "its token has ended"
    elif has.is_due(now, LEAST):
        reason = "its token ends soon"
    return Link(watcher=watcher, watched=watched, endpoint=endpoint, reason=reason, has=has)


def endpoint(place: Place, namespace: str) -> tuple[str, str]:
    """Return where control planes reach a cluster's API, and its CA.

    By default what the kubeconfig says. At another address the cluster's own CA counts, which each namespace has.
    """
    if not place.member.api_server:
        return place.server, place.authority
    body = place.api.get(CONFIG_MAP, "kube-root-ca.crt", namespace) or {}
    text = (body.get("data") or {}).get("ca.crt")
    return place.member.api_server, base64.b64encode(text.encode()).decode() if text else place.authority


def notes(endpoints: Mapping[str, tuple[str, str]]) -> tuple[str, ...]:
    return tuple(
        f"{name}: the control planes will look for its API at {server}, which means their own machine to them. Give "
        "`api_server` of the cluster in mcci.yml."
        for name, (server, _) in endpoints.items()
        if server.removeprefix("https://").startswith(LOCAL)
    )


def gone(plan: Plan, found: Mapping[str, Found]) -> dict[str, tuple[str, ...]]:
    wanted = {
        each.name: {f"{remote_secrets.PREFIX}{other.name}" for other in plan.watched_by(each)} for each in plan.members
    }
    result = {}
    for name, each in found.items():
        ours = [secret["metadata"] for secret in each.remote_secrets if _is_ours(secret["metadata"])]
        old = tuple(metadata["name"] for metadata in ours if metadata["name"] not in wanted[name])
        if old:
            result[name] = old
    return result


def _is_ours(metadata: Mapping[str, Any]) -> bool:
    return (metadata.get("labels") or {}).get("app.kubernetes.io/managed-by") == "mcci"


def lacking_rights(cluster: str, server: str, authority_: str, token: str) -> tuple[str, ...]:
    """Return the rights that a token lacks to be a control plane's. Raises `NotAllowed` for one that is not taken."""
    remote = remote_secrets.Remote(cluster=cluster, server=server, authority=authority_, token=token)
    access = kubeconfig.read(remote_secrets.kubeconfig(remote), f"the remote secret of {cluster}")
    api = client.connect(cluster, access, deadline=20)
    try:
        return rights.missing_everywhere(api, rights.READER)
    finally:
        api.close()
