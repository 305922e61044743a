"""One cluster's API without a socket: requests go to the ASGI application."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import yaml

from mcci.lab.clusters.access.users import ADMIN, Tokens, User
from mcci.lab.clusters.api.app import Api
from mcci.lab.clusters.api.counter import Requests
from mcci.lab.clusters.catalog import Catalog
from mcci.lab.clusters.furnish import furnish
from mcci.lab.clusters.store import Store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Object = dict[str, Any]
CRDS = Path(__file__).parents[3] / "charts" / "crds"
JSON = "application/json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
SERVICES = "/api/v1/namespaces/default/services"
VIRTUAL_SERVICES = "/apis/networking.istio.io/v1/namespaces/default/virtualservices"


class Rest:
    """The API of a new cluster, with the definitions of Istio's kinds that a test names."""

    def __init__(self, *crds: str) -> None:
        self.store = Store()
        self.tokens = Tokens(b"k" * 32)
        self.requests = Requests()
        furnish(self.store, [yaml.safe_load((CRDS / f"networking.istio.io_{name}.yaml").read_text()) for name in crds])
        self.api = Api(self.store, Catalog(self.store), self.tokens, self.requests)

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        user: User | None = ADMIN,
        kind: str = JSON,
        accept: str = JSON,
        headers: dict[str, str] | None = None,
        **query: str,
    ) -> httpx.Response:
        """Send one request; `kind` is its Content-Type, bytes are sent as they are."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        own = {"accept": accept, "content-type": kind, "user-agent": "test/1", **(headers or {})}
        if user:
            own["authorization"] = f"Bearer {self.tokens.issue(user)}"

        async def send(client: httpx.AsyncClient) -> httpx.Response:
            return await client.request(method, path, content=content, headers=own, params=query or None)

        return asyncio.run(self._with_client(send))

    def watch(self, path: str, change: Callable[[], None] = lambda: None, **query: str) -> list[Object]:
        """Return a watch's events: those of before, and those of `change`, after which the server closes."""
        headers = {"authorization": f"Bearer {self.tokens.issue(ADMIN)}", "accept": JSON}

        async def send(client: httpx.AsyncClient) -> httpx.Response:
            reply = asyncio.create_task(client.get(path, params={"watch": "true", **query}, headers=headers))
            await asyncio.sleep(0)  # the request is on its way: it has subscribed once it has waited
            for _ in range(20):
                await asyncio.sleep(0)
            change()
            for _ in range(20):
                await asyncio.sleep(0)
            self.api.closing.set()
            return await reply

        return [json.loads(line) for line in asyncio.run(self._with_client(send)).text.splitlines()]

    async def _with_client(self, send: Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]) -> httpx.Response:
        transport = httpx.ASGITransport(self.api.asgi)
        async with httpx.AsyncClient(transport=transport, base_url="https://lab") as client:
            return await send(client)


def config_map(name: str, data: dict[str, str] | None = None, **metadata: Any) -> Object:
    """Return a ConfigMap."""
    head = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}}
    return {**head, "data": data} if data is not None else head


def deployment(name: str, image: str = "web:1", **spec: Any) -> Object:
    """Return a Deployment of one container."""
    labels = {"app": name}
    container = {"name": "web", "image": image, "ports": [{"containerPort": 8080}]}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {"selector": {"matchLabels": labels}, "template": template, **spec},
    }


def virtual_service(name: str, stable: Any = 100, canary: Any = 0) -> Object:
    """Return a VirtualService with two weighted subsets."""
    routes = [
        {"destination": {"host": name, "subset": "v1"}, "weight": stable},
        {"destination": {"host": name, "subset": "v2"}, "weight": canary},
    ]
    spec = {"hosts": [name], "http": [{"route": routes}]}
    return {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": name}, "spec": spec}
