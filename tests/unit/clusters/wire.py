"""A cluster's answers, one after the other, without a network."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from mcci.clients.kubernetes import client
from mcci.clients.kubernetes.client import Client
from mcci.clients.kubernetes.kubeconfig import Access, User
from mcci.clients.registry.retry import Policy

Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]
QUICK = Policy(first=0.0, longest=0.0, connect=1, silence=1)
ACCESS = Access(source="KUBECONFIG_PROD_AWS", server="https://prod.example", user=User(token="t0"))


class Wire(httpx.BaseTransport):
    """Gives `answers` in order, and keeps the requests; a request too many is an error of the test."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = deque(answers)
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.popleft()
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else answer(request)

    @property
    def asked(self) -> list[str]:
        """The requests, as `GET /path`."""
        return [f"{each.method} {each.url.path}" for each in self.requests]


def api(wire: Wire, *, access: Access = ACCESS, deadline: float = 5.0, policy: Policy = QUICK) -> Client:
    """Return a client that speaks to `wire`."""
    return client.connect("prod-aws", access, deadline=deadline, policy=policy, wire=wire)


def ok(body: dict[str, Any], code: int = 200, **headers: str) -> httpx.Response:
    """Return an object as an answer."""
    return httpx.Response(code, json=body, headers=headers)


def status(code: int, message: str = "", *causes: str, **headers: str) -> httpx.Response:
    """Return a Status as an answer."""
    details = {"causes": [{"reason": cause} for cause in causes]}
    return ok({"kind": "Status", "code": code, "message": message, "details": details}, code, **headers)


class Lines(httpx.SyncByteStream):
    """A watch's events; an exception among them breaks the connection."""

    def __init__(self, events: tuple[dict[str, Any] | Exception, ...]) -> None:
        self.events = events

    def __iter__(self):  # type: ignore[no-untyped-def]
        for event in self.events:
            if isinstance(event, Exception):
                raise event
            yield json.dumps(event).encode() + b"\n"


def events(*found: dict[str, Any] | Exception) -> httpx.Response:
    """Return a watch as an answer."""
    return httpx.Response(200, stream=Lines(found))


def event(kind: str, name: str, version: int) -> dict[str, Any]:
    """Return one event of a watch."""
    return {"type": kind, "object": thing(name, version)}


def thing(name: str, version: int) -> dict[str, Any]:
    """Return a ConfigMap."""
    return {"metadata": {"name": name, "namespace": "shop", "resourceVersion": str(version)}}


def page(*items: dict[str, Any], version: int = 1, follows: str = "") -> httpx.Response:
    """Return a page of a collection."""
    return ok({"items": list(items), "metadata": {"resourceVersion": str(version), "continue": follows}})


def plugin(folder: Path, script: str) -> str:
    """Return the path of a program with this shell script."""
    file = folder / "plugin"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return str(file)
