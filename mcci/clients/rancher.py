"""Rancher: its Kubernetes API, which serves its clusters as objects, and the two calls that it has only beside that.

Sources: https://ranchermanager.docs.rancher.com/api/quickstart (Rancher 2.8 and later);
https://github.com/rancher/rancher: pkg/controllers/management/clusterregistrationtoken,
pkg/api/norman/customization/clusterregistrationtokens/import.go
"""

from __future__ import annotations

import base64
import binascii
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from mcci.clients.kubernetes.api import SECRET, Kind, NotAllowed, NotTaken, Refused, Unreachable
from mcci.clients.kubernetes.client import DEADLINE, Client
from mcci.clients.kubernetes.kubeconfig import Access, User
from mcci.clients.kubernetes.statuses import check
from mcci.clients.kubernetes.transport import POLICY, Transport
from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from mcci.clients.kubernetes.api import Object
    from mcci.clients.registry.retry import Policy

CLUSTER = Kind(group="provisioning.cattle.io", kind="Cluster", plural="clusters")
REGISTRATION = Kind(
    group="management.cattle.io", version="v3", kind="ClusterRegistrationToken", plural="clusterregistrationtokens"
)
SETTING = Kind(group="management.cattle.io", version="v3", kind="Setting", plural="settings", namespaced=False)
TOKEN_NAME = "default-token"  # noqa: S105 - the name of the object that Rancher makes for each cluster
_PLACEHOLDER = "{token}"  # in the commands of a Rancher that keeps the token in a Secret
_IMPORT = "/v3/import/"
_LARGEST = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """How a cluster, or a node, joins: the path of the manifest at Rancher, the command for a node. Both are secret."""

    manifest: str = field(repr=False)
    node_command: str = field(repr=False)


class Rancher:
    """One Rancher, for the clusters of one namespace. Every method raises `NotAllowed`, `Refused` or `Unreachable`."""

    def __init__(self, url: str, namespace: str, transport: Transport, deadline: float) -> None:
        self.url, self.namespace = url, namespace
        self._transport, self._deadline = transport, deadline
        self._api = Client("Rancher", transport, deadline)
        self._addresses: tuple[str, ...] = ()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def check(self) -> None:
        """Raise unless this is a Rancher, which takes the API key."""
        with self._explained():
            if not self._api.served(CLUSTER):
                raise Refused(
                    f"{self.url} does not serve {CLUSTER.api_version}: it is no Rancher of version 2.8 or later."
                )

    def addresses(self) -> tuple[str, ...]:
        """Return the addresses by which it is known: that in mcci.yml, and its own setting `server-url`."""
        if not self._addresses:
            with self._explained():
                found = self._visible(SETTING, "server-url", "") or {}
            own = str(found.get("value") or found.get("default") or "").rstrip("/")
            self._addresses = (self.url, own) if own and own != self.url else (self.url,)
        return self._addresses

    def require(self, verb: str, name: str) -> None:
        """Raise `NotAllowed` unless the API key may do this with a cluster of this name."""
        with self._explained():
            allowed = self._api.allowed(verb, CLUSTER, self.namespace, name="" if verb == "create" else name)
        if not allowed:
            raise NotAllowed(
                f"the API key for {self.url} may not {verb} the cluster {name} in {self.namespace}. Make one without a "
                "scope, of a user who may: a Standard User may create clusters, and owns what he has created."
            )

    def cluster(self, name: str) -> Object | None:
        """Return a cluster's `provisioning.cattle.io/v1` object; None where there is none that the key may see.

        Rancher shows its users their own clusters alone, and a new one only once it has made them its owners.
        """
        with self._explained():
            return self._visible(CLUSTER, name, self.namespace)

    def _visible(self, kind: Kind, name: str, namespace: str) -> Object | None:
        try:
            return self._api.get(kind, name, namespace)
        except NotTaken:
            raise
        except NotAllowed:
            return None

    def create(self, body: Object) -> Object:
        """Make a cluster. Raises `Conflict` where it is there."""
        with self._explained():
            return self._api.create(CLUSTER, body)

    def replace(self, body: Object) -> Object:
        """Write a cluster that was read before. Raises `Conflict` where it has changed since."""
        with self._explained():
            return self._api.replace(CLUSTER, body)

    def has(self, kind: Kind, name: str, namespace: str) -> bool:
        """Say whether there is such an object, as far as the key may know."""
        with self._explained():
            try:
                return self._api.get(kind, name, namespace) is not None
            except NotTaken:
                raise
            except NotAllowed:
                return True  # who may use a thing may not always see it; Rancher itself looks

    def registration(self, cluster: str) -> Registration | None:
        """Return how the cluster of this id (`c-m-…`) registers; None until Rancher has made that."""
        with self._explained():
            found = self._visible(REGISTRATION, TOKEN_NAME, cluster)
            status = (found or {}).get("status") or {}
            url, command = str(status.get("manifestUrl") or ""), str(status.get("nodeCommand") or "")
            if not url:
                return None
            token = (
                self._token(cluster, str(status.get("tokenSecretName") or "")) if _PLACEHOLDER in url + command else ""
            )
        path = urlsplit(url.replace(_PLACEHOLDER, token)).path
        if not path.startswith(_IMPORT):
            raise Refused(f"Rancher: the address to register at is none of Rancher's: its path is not {_IMPORT}….")
        return Registration(manifest=path, node_command=command.replace(_PLACEHOLDER, token))

    def _token(self, cluster: str, secret: str) -> str:
        found = self._api.get(SECRET, secret, cluster) if secret else None
        try:
            token = base64.b64decode(((found or {}).get("data") or {}).get("token") or "", validate=True).decode()
        except (binascii.Error, ValueError):
            token = ""
        if not token:
            raise Refused(
                f"Rancher: the Secret '{secret}' in {cluster}, with the token to register, has no such token."
            )
        return token

    def manifest(self, registration: Registration) -> str:
        """Return the objects, as YAML, with which a cluster registers. This Rancher alone is asked for them."""
        with self._explained():
            return self._text("GET", registration.manifest)

    def kubeconfig(self, cluster: str) -> str:
        """Have Rancher make a kubeconfig for the cluster of this id, with a token of its own, and return its text."""
        with self._explained():
            reply = self._transport.request(
                "POST", f"/v3/clusters/{quote(cluster, safe='')}?action=generateKubeconfig", self._deadline
            ).reply
            check("Rancher", reply)
            try:
                text = reply.json()["config"]
            except (ValueError, KeyError, TypeError) as error:
                raise Unreachable(f"{self.url} was asked for a kubeconfig, and answers something else.") from error
        if not isinstance(text, str):
            raise Unreachable(f"{self.url} was asked for a kubeconfig, and answers something else.")
        return text

    def _text(self, method: str, path: str) -> str:
        reply = self._transport.request(method, path, self._deadline).reply
        check("Rancher", reply)
        if len(reply.content) > _LARGEST:
            raise Refused(f"Rancher: what it gives to register with is larger than {_LARGEST // 2**20} MiB.")
        try:
            return reply.content.decode()
        except ValueError as error:
            raise Refused("Rancher: what it gives to register with is no text.") from error

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Say what an error of the cluster's client means where the cluster is Rancher."""
        import httpx

        try:
            yield
        except NotAllowed as error:
            why = str(error).removeprefix("Rancher: ").partition(" `mcci doctor")[0]
            raise NotAllowed(
                f"{self.url} refuses the API key: {why} Make a key without a scope, of a user who may manage clusters."
            ) from error
        except UsageError as error:
            if isinstance(error.__cause__, httpx.TransportError):
                raise UsageError(
                    f"{self.url}: Rancher's certificate is not trusted: {error.__cause__}. Give the file with its "
                    "authority's certificate (Rancher's setting `cacerts`) in 'rancher: {ca: …}'."
                ) from error
            raise
        except Unreachable as error:
            text = str(error).replace("the cluster's API at", "Rancher at").replace("the cluster's address", self.url)
            raise Unreachable(text.replace("no Kubernetes API", "no Rancher")) from error


def connect(
    url: str,
    token: str,
    *,
    namespace: str,
    authority: str = "",
    deadline: float = DEADLINE,
    policy: Policy = POLICY,
    wire: httpx.BaseTransport | None = None,
) -> Rancher:
    """Return Rancher, of which nothing is asked yet. `authority` is PEM, empty for the system's; `wire` for tests."""
    access = Access(source="mcci.yml's `rancher`", server=url.rstrip("/"), user=User(token=token), authority=authority)
    return Rancher(access.server, namespace, Transport("Rancher", access, policy, wire), deadline)
