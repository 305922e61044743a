"""A cluster's API over HTTPS.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from __future__ import annotations

import json
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from mcci.clients.kubernetes.api import (
    FIELD_MANAGER,
    POD,
    SERVICE_ACCOUNT,
    Change,
    Kind,
    NotFound,
    Object,
    Refused,
    Token,
    Unreachable,
)
from mcci.clients.kubernetes.statuses import CONFLICT, GONE, MISSING, check, holds
from mcci.clients.kubernetes.transport import POLICY, Transport, said_by
from mcci.clients.kubernetes.watches import Source, watch

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from mcci.clients.kubernetes.kubeconfig import Access
    from mcci.clients.registry.retry import Policy

DEADLINE = 60.0  # seconds
PAGE = 500  # objects
_REVIEW = Kind(group="authorization.k8s.io", kind="SelfSubjectAccessReview", plural="selfsubjectaccessreviews")
_APPLY = "application/apply-patch+yaml"  # of which JSON is a part
_MERGE = "application/merge-patch+json"
_JSON = "application/json"
Objects = list[Object]
Page = tuple[Objects, str]  # objects, and the resourceVersion of the collection


def connect(
    name: str,
    access: Access,
    *,
    deadline: float = DEADLINE,
    policy: Policy = POLICY,
    wire: httpx.BaseTransport | None = None,
) -> Client:
    """Return the cluster's API; nothing is asked of it yet. Every call may take `deadline` seconds, retries and all.

    `wire` stands in for the network.
    """
    return Client(name, Transport(name, access, policy, wire), deadline)


class Client:
    """A cluster, as `ClusterApi` describes it. Close it when done."""

    def __init__(self, name: str, transport: Transport, deadline: float = DEADLINE) -> None:
        self._name, self._transport, self._deadline = name, transport, deadline

    @property
    def name(self) -> str:
        return self._name

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def within(self, seconds: float) -> Client:
        return Client(self._name, self._transport, seconds)

    def version(self) -> str:
        return str(self._json(self._get("/version")).get("gitVersion") or "")

    def skew(self) -> float | None:
        before = time.time()
        reply = self._get("/version")
        after = time.time()
        try:
            said = parsedate_to_datetime(reply.headers.get("Date", "")).timestamp()
        except ValueError:
            return None
        # a Date has whole seconds, and was written between the two: what these allow is no skew
        return min(said + 1 - before, 0.0) + max(said - after, 0.0)

    def served(self, kind: Kind) -> bool:
        reply = self._get(_root(kind))
        if reply.status_code == MISSING:
            return False
        return any(each.get("name") == kind.plural for each in self._json(reply).get("resources") or [])

    def get(self, kind: Kind, name: str, namespace: str = "") -> Object | None:
        reply = self._get(_path(kind, namespace, name))
        return None if reply.status_code == MISSING else self._json(reply)

    def list(self, kind: Kind, namespace: str = "", *, labels: str = "", fields: str = "") -> list[Object]:
        return self._pages(kind, namespace, labels, fields)[0]

    def create(self, kind: Kind, body: Object, *, dry_run: bool = False) -> Object:
        return self._write("POST", kind, _whole(kind, body), _at(body), dry_run=dry_run)

    def replace(self, kind: Kind, body: Object, *, dry_run: bool = False) -> Object:
        return self._write("PUT", kind, _whole(kind, body), _at(body), dry_run=dry_run)

    def apply(self, kind: Kind, body: Object, *, force: bool = False, dry_run: bool = False) -> Object:
        return self._write(
            "PATCH", kind, _whole(kind, body), _at(body), dry_run=dry_run, content_type=_APPLY, force=force
        )  # fmt: skip

    def merge(self, kind: Kind, name: str, namespace: str, patch: Object, *, dry_run: bool = False) -> Object:
        return self._write("PATCH", kind, patch, (namespace, name), dry_run=dry_run, content_type=_MERGE)

    def delete(self, kind: Kind, name: str, namespace: str = "") -> bool:
        params = {"propagationPolicy": "Background"}
        answer = self._transport.request("DELETE", _path(kind, namespace, name), self._deadline, params=params)
        if answer.reply.status_code == MISSING:
            return answer.unsure
        check(self._name, answer.reply)
        return True

    def watch(
        self, kind: Kind, namespace: str, *, labels: str = "", fields: str = "", seconds: float
    ) -> Iterator[Change]:
        source = Source(
            name=self._name, transport=self._transport, path=_path(kind, namespace),
            selectors=_selectors(labels, fields), deadline=self._deadline,
            read=lambda: self._pages(kind, namespace, labels, fields),
        )  # fmt: skip
        return watch(source, seconds)

    def logs(self, pod: str, namespace: str, *, container: str = "", lines: int = 50, previous: bool = False) -> str:
        params = {"tailLines": str(lines), **({"container": container} if container else {})}
        params |= {"previous": "true"} if previous else {}
        path = f"{_path(POD, namespace, pod)}/log"
        reply = self._transport.request("GET", path, self._deadline, params=params, headers={"Accept": "*/*"}).reply
        if reply.status_code in (400, MISSING):  # it waits to start, there was none before it, or it is gone
            return ""
        check(self._name, reply)
        return reply.text

    def allowed(self, verb: str, kind: Kind, namespace: str = "", *, subresource: str = "", name: str = "") -> bool:
        asked = {"verb": verb, "group": kind.group, "resource": kind.plural, "subresource": subresource}
        attributes = {**asked, **({"namespace": namespace} if namespace else {}), **({"name": name} if name else {})}
        body = {"apiVersion": _REVIEW.api_version, "kind": _REVIEW.kind, "spec": {"resourceAttributes": attributes}}
        answer = self._transport.request(
            "POST", _path(_REVIEW, ""), self._deadline, content=json.dumps(body), headers={"Content-Type": _JSON}
        )  # fmt: skip
        return bool((self._json(answer.reply).get("status") or {}).get("allowed"))

    def token(self, account: str, namespace: str, *, seconds: int, secret: Object | None = None) -> Token:
        spec: Object = {"expirationSeconds": seconds}
        if secret:
            known = {name: secret["metadata"][name] for name in ("name", "uid")}
            spec["boundObjectRef"] = {"apiVersion": "v1", "kind": "Secret", **known}
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        path = f"{_path(SERVICE_ACCOUNT, namespace, account)}/token"
        answer = self._transport.request(
            "POST", path, self._deadline, content=json.dumps(body), headers={"Content-Type": _JSON}
        )  # fmt: skip
        if answer.reply.status_code == MISSING:
            raise NotFound(f"{self._name}: there is no service account {namespace}/{account}{said_by(answer.reply)}.")
        status = self._json(answer.reply).get("status") or {}
        if not status.get("token"):
            raise Unreachable(f"{self._name}: the cluster's API gives no token for {namespace}/{account}.")
        return Token(text=str(status["token"]), expires=str(status.get("expirationTimestamp") or ""))

    def _write(
        self, method: str, kind: Kind, body: Object, at: tuple[str, str], *, dry_run: bool, content_type: str = _JSON,
        force: bool = False,
    ) -> Object:  # fmt: skip
        """Send an object. A conflict with what an attempt of ours wrote, whose answer was lost, is no conflict."""
        namespace, name = at
        params = {"fieldManager": FIELD_MANAGER}
        params |= {"dryRun": "All"} if dry_run else {}
        params |= {"force": "true"} if force else {}
        path = _path(kind, namespace, "" if method == "POST" else name)
        headers = {"Content-Type": content_type}
        answer = self._transport.request(
            method, path, self._deadline, content=json.dumps(body), params=params, headers=headers
        )
        if answer.reply.status_code == CONFLICT and answer.unsure:
            current = self.get(kind, name, namespace)
            if current is not None and holds(current, body):
                return current
        if answer.reply.status_code == MISSING and method != "PUT" and content_type != _MERGE:
            raise Refused(f"{self._name}: {kind.plural} cannot be made{said_by(answer.reply)}.")
        return self._json(answer.reply)

    def _pages(self, kind: Kind, namespace: str, labels: str, fields: str) -> Page:
        """Return a collection's objects and its resourceVersion; begins anew when it grew too old between pages."""
        found: Objects = []
        follows = ""
        while True:
            params = {**_selectors(labels, fields), "limit": str(PAGE), **({"continue": follows} if follows else {})}
            reply = self._transport.request("GET", _path(kind, namespace), self._deadline, params=params).reply
            if reply.status_code == GONE and follows:
                found, follows = [], ""
                continue
            if reply.status_code == MISSING:
                return [], ""
            page = self._json(reply)
            found += [{"apiVersion": kind.api_version, "kind": kind.kind, **each} for each in page.get("items") or []]
            metadata = page.get("metadata") or {}
            follows = metadata.get("continue") or ""
            if not follows:
                return found, str(metadata.get("resourceVersion") or "")

    def _get(self, path: str) -> httpx.Response:
        return self._transport.request("GET", path, self._deadline).reply

    def _json(self, reply: httpx.Response) -> Object:
        check(self._name, reply)
        try:
            body = reply.json()
        except ValueError as error:
            raise Unreachable(f"{self._name}: what answers at the cluster's address is no Kubernetes API.") from error
        if not isinstance(body, dict):
            raise Unreachable(f"{self._name}: what answers at the cluster's address is no Kubernetes API.")
        return body


def _root(kind: Kind) -> str:
    return f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"


def _path(kind: Kind, namespace: str, name: str = "") -> str:
    inside = f"/namespaces/{quote(namespace, safe='')}" if kind.namespaced and namespace else ""
    return f"{_root(kind)}{inside}/{kind.plural}{f'/{quote(name, safe=chr(58))}' if name else ''}"


def _selectors(labels: str, fields: str) -> dict[str, str]:
    return {**({"labelSelector": labels} if labels else {}), **({"fieldSelector": fields} if fields else {})}


def _whole(kind: Kind, body: Object) -> Object:
    return {**body, "apiVersion": kind.api_version, "kind": kind.kind}


def _at(body: Object) -> tuple[str, str]:
    """Return an object's namespace and name."""
    metadata = body["metadata"]
    return str(metadata.get("namespace") or ""), str(metadata["name"])
