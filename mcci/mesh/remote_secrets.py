"""The Secret by which a control plane reaches another cluster's API, as `istioctl create-remote-secret` makes it.

What is added: the token is one that expires, and the Secret says when.

Source: https://istio.io/latest/docs/reference/commands/istioctl/#istioctl-create-remote-secret
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import yaml

from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.clients.kubernetes.api import Object

ACCOUNT = "istio-reader-service-account"
PREFIX = "istio-remote-secret-"
LABEL = "istio/multiCluster"
SELECTOR = f"{LABEL}=true"
CLUSTER = "networking.istio.io/cluster"
EXPIRES, ISSUED, ANCHOR = "mcci.io/token-expires", "mcci.io/token-issued", "mcci.io/token-anchor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """What a remote secret says of a cluster. `expires` is None where nothing tells.

    `anchor` is the Secret in that cluster that the token ends with, empty where it is bound to none.
    """

    cluster: str
    server: str
    authority: str = field(repr=False)  # base64 of PEM
    token: str = field(repr=False)
    issued: datetime | None = None
    expires: datetime | None = None
    anchor: str = ""

    def is_due(self, now: datetime, least: timedelta) -> bool:
        """Whether the token is in the last third of its life, ends within `least`, or has no end."""
        if self.expires is None:
            return True
        third = (self.expires - self.issued) / 3 if self.issued else least
        return now > self.expires - max(third, min(least, third))


def secret(remote: Remote, namespace: str, labels: Mapping[str, str]) -> Object:
    """Return the Secret."""
    annotations = {CLUSTER: remote.cluster}
    annotations |= {EXPIRES: stamp(remote.expires)} if remote.expires else {}
    annotations |= {ISSUED: stamp(remote.issued)} if remote.issued else {}
    annotations |= {ANCHOR: remote.anchor} if remote.anchor else {}
    metadata = {
        "name": f"{PREFIX}{remote.cluster}",
        "namespace": namespace,
        "labels": {**labels, LABEL: "true"},
        "annotations": annotations,
    }
    text = yaml.safe_dump(kubeconfig(remote), sort_keys=True)
    data = {remote.cluster: base64.b64encode(text.encode()).decode()}
    return {"metadata": metadata, "type": "Opaque", "data": data}


def kubeconfig(remote: Remote) -> dict[str, Any]:
    """Return the kubeconfig in it: one cluster, one user, one context, all of the cluster's name."""
    name = remote.cluster
    cluster = {"certificate-authority-data": remote.authority, "server": remote.server}
    return {
        "apiVersion": "v1",
        "clusters": [{"cluster": cluster, "name": name}],
        "contexts": [{"context": {"cluster": name, "user": name}, "name": name}],
        "current-context": name,
        "kind": "Config",
        "preferences": {},
        "users": [{"name": name, "user": {"token": remote.token}}],
    }


def read(found: Object) -> Remote:
    """Return what a remote secret holds, mcci's or istioctl's. Raises `UsageError`, which shows nothing it holds."""
    metadata = found["metadata"]
    annotations = metadata.get("annotations") or {}
    cluster = str(annotations.get(CLUSTER) or metadata["name"].removeprefix(PREFIX))
    try:
        data = found.get("data") or {}
        document = yaml.safe_load(base64.b64decode(data[cluster]))
        inner, user = document["clusters"][0]["cluster"], document["users"][0]["user"]
        server, authority = str(inner["server"]), str(inner.get("certificate-authority-data") or "")
        token = str(user["token"])
    except (KeyError, IndexError, TypeError, ValueError, yaml.YAMLError) as error:
        raise UsageError(
            f"the Secret {metadata['name']} does not hold a kubeconfig with a token under the key '{cluster}'."
        ) from error
    begins, ends = _claims(token)
    return Remote(
        cluster=cluster, server=server, authority=authority, token=token,
        issued=moment(annotations.get(ISSUED)) or begins, expires=moment(annotations.get(EXPIRES)) or ends,
        anchor=str(annotations.get(ANCHOR) or ""),
    )  # fmt: skip


def stamp(when: datetime) -> str:
    """Return a time as the API writes it."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: object) -> datetime | None:
    """Return the time that the API wrote; None where it is none."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _claims(token: str) -> tuple[datetime | None, datetime | None]:
    """Return when a JWT was issued and when it expires; nothing is verified, it is only read."""
    try:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        times = [claims.get("iat"), claims.get("exp")]
    except (IndexError, ValueError, binascii.Error, AttributeError):
        return None, None
    begins, ends = (datetime.fromtimestamp(each, UTC) if isinstance(each, int | float) else None for each in times)
    return begins, ends
