"""The Kubernetes API as the contract speaks it: plain HTTP requests, with nothing of a client's own between."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from mcci.lab.clusters.resources import Resource

Object = dict[str, Any]
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
WAIT = 30.0  # seconds for what a controller does


class Api:
    """One user of one cluster."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def get(self, path: str, **params: str) -> httpx.Response:
        """GET."""
        return self._client.get(path, params=params)

    def post(self, path: str, body: Object, **params: str) -> httpx.Response:
        """POST."""
        return self._client.post(path, json=body, params=params)

    def put(self, path: str, body: Object, **params: str) -> httpx.Response:
        """PUT."""
        return self._client.put(path, json=body, params=params)

    def patch(self, path: str, kind: str, body: Object | list[Object], **params: str) -> httpx.Response:
        """PATCH, with the patch's media type."""
        return self._client.patch(path, content=json.dumps(body), headers={"Content-Type": kind}, params=params)

    def delete(self, path: str, body: Object | None = None, **params: str) -> httpx.Response:
        """DELETE; where there is a body, its options count and the parameters do not."""
        return self._client.request("DELETE", path, json=body, params=params)

    def watch(self, path: str, **params: str) -> Iterator[Object]:
        """Yield a watch's events until it ends."""
        asked = {"watch": "true", "timeoutSeconds": "10", **params}
        with self._client.stream("GET", path, params=asked, timeout=400) as reply:
            if reply.is_error:
                reply.read()
                yield {"type": "ERROR", "object": reply.json()}
                return
            for line in reply.iter_lines():
                yield json.loads(line)

    def close(self) -> None:
        """Close its connections."""
        self._client.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A cluster under contract: the lab's, or a real one."""

    name: str
    kubeconfig: Path
    version: tuple[int, int]
    admin: Api
    nobody: Api  # a user without any right
    stranger: Api  # one whose token is wrong
    compact: Callable[[], None] = field(repr=False)  # let the server forget past events


def path_of(resource: Resource, namespace: str = "", name: str = "") -> str:
    """Return where a resource, or an object of it, is served."""
    root = f"/apis/{resource.api_version}" if resource.group else "/api/v1"
    place = f"/namespaces/{namespace}" if namespace else ""
    return f"{root}{place}/{resource.plural}{f'/{name}' if name else ''}"


def client(url: str, certificate: str, headers: Mapping[str, str], pair: tuple[str, str] | None = None) -> Api:
    """Open an API with a bearer token in `headers`, or a certificate and its key."""
    import ssl

    trusted = ssl.create_default_context(cafile=certificate)
    if pair:
        trusted.load_cert_chain(*pair)
    return Api(httpx.Client(base_url=url, verify=trusted, headers=dict(headers), timeout=60))


def eventually(look: Callable[[], Any], what: str, seconds: float = WAIT) -> Any:
    """Return the first true answer of `look`; fails after `seconds`, with the last answer."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, f"not in {seconds} s: {what}; last: {found!r}"
        time.sleep(0.05)


def good(reply: httpx.Response, code: int | None = None) -> Object:
    """Return the body of an answer that is no error."""
    assert not reply.is_error, reply.text
    assert code is None or reply.status_code == code, reply.status_code
    body: Object = reply.json()
    return body


def status(reply: httpx.Response, code: int, reason: str) -> Object:
    """Return the `Status` of a refusal, which must have this code and reason."""
    body: Object = reply.json()
    assert (reply.status_code, body["kind"], body["status"], body["code"]) == (code, "Status", "Failure", code), body
    assert body["reason"] == reason, body
    return body
