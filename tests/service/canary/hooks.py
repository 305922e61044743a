"""Something that happens at the n-th write that a local cluster's API gets."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mcci.lab.clusters.api.counter import Requests
from tests.service.canary.project import Project

WRITES = frozenset({"create", "update", "patch", "delete"})


class Lost(Exception):
    """The request is lost: the API answers 500, and nothing is written."""


@dataclass
class Hook(Requests):
    """Counts like the lab does; `befalls` is called with each write's number, over all clusters of the hook."""

    befalls: Callable[[str, int, str], None] = lambda cluster, number, path: None
    cluster: str = ""
    numbers: list[int] = field(default_factory=list)
    guard: threading.Lock = field(default_factory=threading.Lock)

    def count(self, verb: str, path: str) -> None:
        super().count(verb, path)
        if verb in WRITES:
            with self.guard:
                self.numbers.append(1)
                number = len(self.numbers)
            self.befalls(self.cluster, number, path)


class Between:
    """A cluster's API with something between: what a subclass does not say is the API's own."""

    def __init__(self, api: Any) -> None:
        self._api = api

    def __getattr__(self, name: str) -> Any:
        return getattr(self._api, name)


def hook(project: Project, befalls: Callable[[str, int, str], None]) -> list[int]:
    """Let `befalls(cluster, number, path)` see every write from now on; return the list that grows with each."""
    numbers: list[int] = []
    guard = threading.Lock()
    for name, each in project.clusters.items():
        each.cluster.api._requests = Hook(befalls=befalls, cluster=name, numbers=numbers, guard=guard)
    return numbers
