"""A cluster's API in memory, for tests of what decides and acts: the whole of `ClusterApi`, and nothing that runs.

state = State()                             # a cluster; what is in it outlives a process
script = Script()                           # a process: what befalls it; give one to all its clusters
api = FakeApi("prod-aws", state, script)
script.crash(write=3, after=True)           # it dies when its third write has taken effect
script.faults.append(Fault(error=Unreachable("gone"), verb="replace", kind="Lease"))
FakeApi("prod-aws", state)                  # the next process, on the same cluster
FakeApi("prod-aws", state, manager="helm")  # somebody else, who owns the fields it writes
"""

from __future__ import annotations

import copy
import itertools
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from mcci.clients.kubernetes.api import (
    FIELD_MANAGER,
    NAMESPACE,
    SERVICE_ACCOUNT,
    Change,
    Conflict,
    Kind,
    NotAllowed,
    NotFound,
    Object,
    Refused,
    Token,
)
from tests.unit.clusters import fake_fields
from tests.unit.clusters.fake_faults import Crash, Fault, Script

__all__ = ["Crash", "FakeApi", "Fault", "Script", "State"]

TOKENS = Kind(kind="TokenRequest", plural="serviceaccounts/token")
Key = tuple[str, str, str, str]  # group, plural, namespace, name
_SET = re.compile(r"(?P<key>\S+)\s+(?P<how>in|notin)\s+\((?P<values>[^)]*)\)")


@dataclass(slots=True)
class State:
    """What a cluster holds. `namespaces`: those that exist without being made; None for every one that is named."""

    namespaces: tuple[str, ...] | None = None
    version: str = "v1.34.5"
    skew: float | None = 0.0
    unserved: set[Kind] = field(default_factory=set)
    denied: set[tuple[str, str]] = field(default_factory=set)  # (verb, plural) that these credentials lack
    logs: dict[tuple[str, str], str] = field(default_factory=dict)  # by namespace and pod
    objects: dict[Key, Object] = field(default_factory=dict)
    owners: dict[Key, fake_fields.Owners] = field(default_factory=dict)
    events: list[tuple[Key, Change]] = field(default_factory=list)
    idle: Callable[[], bool] | None = None  # lets something happen while a watch waits; False: nothing more will
    counter: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    lock: threading.RLock = field(default_factory=threading.RLock)


class FakeApi:
    """One cluster, as one process or person sees it."""

    def __init__(
        self, name: str, state: State | None = None, script: Script | None = None, *, manager: str = FIELD_MANAGER
    ) -> None:
        self.name = name
        self.state = state or State()
        self.script = script or Script()
        self.manager = manager

    def within(self, seconds: float) -> FakeApi:
        return self

    def version(self) -> str:
        self._read("version", None, "", "")
        return self.state.version

    def skew(self) -> float | None:
        return self.state.skew

    def served(self, kind: Kind) -> bool:
        return kind not in self.state.unserved

    def get(self, kind: Kind, name: str, namespace: str = "") -> Object | None:
        self._read("get", kind, namespace, name)
        with self.state.lock:
            return copy.deepcopy(self.state.objects.get(_key(kind, namespace, name)))

    def list(self, kind: Kind, namespace: str = "", *, labels: str = "", fields: str = "") -> list[Object]:
        self._read("list", kind, namespace, "")
        with self.state.lock:
            found = sorted(
                (key, body) for key, body in self.state.objects.items() if _covers(kind, namespace, key)
            )  # fmt: skip
            return [copy.deepcopy(body) for _, body in found if selected(body, labels, fields)]

    def create(self, kind: Kind, body: Object, *, dry_run: bool = False) -> Object:
        return self._write("create", kind, body, dry_run, lambda old: self._created(kind, body, old))

    def replace(self, kind: Kind, body: Object, *, dry_run: bool = False) -> Object:
        return self._write("replace", kind, body, dry_run, lambda old: _replaced(kind, body, old))

    def merge(self, kind: Kind, name: str, namespace: str, patch: Object, *, dry_run: bool = False) -> Object:
        body = {"metadata": {"name": name, "namespace": namespace}}
        return self._write("merge", kind, body, dry_run, lambda old: _merged(kind, name, patch, old))

    def apply(self, kind: Kind, body: Object, *, force: bool = False, dry_run: bool = False) -> Object:
        return self._write("apply", kind, body, dry_run, None, force=force)

    def delete(self, kind: Kind, name: str, namespace: str = "") -> bool:
        call = self.script.begin(self.name, "delete", kind.kind, namespace, name, None, dry=False)
        self._permit("delete", kind)
        with self.state.lock:
            there = _key(kind, namespace, name) in self.state.objects
            self._remove(_key(kind, namespace, name))
        self.script.end(call)
        return there

    def watch(
        self, kind: Kind, namespace: str, *, labels: str = "", fields: str = "", seconds: float
    ) -> Iterator[Change]:
        """As the protocol says; it waits by asking `state.idle`, and is over when that has nothing more to do."""
        self._read("watch", kind, namespace, "")
        with self.state.lock:
            seen = len(self.state.events)
            first = self.list(kind, namespace, labels=labels, fields=fields)
        yield from (Change(type="ADDED", object=body) for body in first)
        while True:
            while seen < len(self.state.events):
                key, change = self.state.events[seen]
                seen += 1
                if _covers(kind, namespace, key) and selected(change.object, labels, fields):
                    yield copy.deepcopy(change)
            if self.state.idle is None or not self.state.idle():
                return

    def logs(self, pod: str, namespace: str, *, container: str = "", lines: int = 50, previous: bool = False) -> str:
        self._read("logs", None, namespace, pod)
        return "\n".join(self.state.logs.get((namespace, pod), "").splitlines()[-lines:])

    def allowed(self, verb: str, kind: Kind, namespace: str = "", *, subresource: str = "", name: str = "") -> bool:
        plural = f"{kind.plural}/{subresource}" if subresource else kind.plural
        return (verb, plural) not in self.state.denied

    def token(self, account: str, namespace: str, *, seconds: int, secret: Object | None = None) -> Token:
        self._read("token", None, namespace, account)
        self._permit("create", TOKENS)
        if _key(SERVICE_ACCOUNT, namespace, account) not in self.state.objects:
            raise NotFound(f"{self.name}: there is no service account {namespace}/{account}")
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        number = next(self.state.counter)
        return Token(text=f"secret-token-{self.name}-{number}", expires=until.strftime("%Y-%m-%dT%H:%M:%SZ"))

    # what tests use, past the script

    def put(self, kind: Kind, body: Object) -> Object:
        """Store an object as somebody else would: no call, no fault, always taken."""
        with self.state.lock:
            return self._store(kind, copy.deepcopy(body), self._current(kind, body), operation="Update")

    def peek(self, kind: Kind, name: str, namespace: str = "") -> Object | None:
        """Return what is stored, without a call."""
        return copy.deepcopy(self.state.objects.get(_key(kind, namespace, name)))

    # the rest

    def _read(self, verb: str, kind: Kind | None, namespace: str, name: str) -> None:
        self.script.end(self.script.begin(self.name, verb, kind.kind if kind else "", namespace, name, None, dry=False))
        if kind:
            self._permit(verb, kind)

    def _permit(self, verb: str, kind: Kind) -> None:
        asked = {"replace": "update", "merge": "patch", "apply": "patch"}.get(verb, verb)
        if (asked, kind.plural) in self.state.denied:
            raise NotAllowed(f"{self.name}: may not {asked} {kind.plural}")

    def _current(self, kind: Kind, body: Object) -> Object | None:
        metadata = body["metadata"]
        return self.state.objects.get(_key(kind, metadata.get("namespace", ""), metadata["name"]))

    def _write(
        self,
        verb: str,
        kind: Kind,
        body: Object,
        dry_run: bool,
        change: Callable[[Object | None], Object] | None,
        *,
        force: bool = False,
    ) -> Object:
        metadata = body["metadata"]
        name, namespace = metadata["name"], metadata.get("namespace", "")
        call = self.script.begin(self.name, verb, kind.kind, namespace, name, copy.deepcopy(body), dry=dry_run)
        self._permit(verb, kind)
        if kind in self.state.unserved:
            raise Refused(f"{self.name} does not serve {kind.plural}.{kind.group}")
        if kind.namespaced:
            self._in_namespace(namespace)
        with self.state.lock:
            old = self._current(kind, body)
            owners = copy.deepcopy(self.state.owners.get(_key(kind, namespace, name), {}))
            if change:
                new, operation = change(copy.deepcopy(old)), "Update"
            else:
                new, operation = self._applied(kind, body, old, owners, force=force), "Apply"
            stored = self._store(kind, new, old, operation=operation, owners=owners, dry_run=dry_run)
        self.script.end(call)
        return stored

    def _in_namespace(self, namespace: str) -> None:
        if not namespace:
            raise Refused(f"{self.name}: a namespace is needed")
        known = self.state.namespaces
        if known is not None and namespace not in known and _key(NAMESPACE, "", namespace) not in self.state.objects:
            raise Refused(f'{self.name}: namespaces "{namespace}" not found')

    def _created(self, kind: Kind, body: Object, old: Object | None) -> Object:
        if old is not None:
            raise Conflict(f'{self.name}: {kind.plural} "{body["metadata"]["name"]}" already exists')
        if body["metadata"].get("resourceVersion"):
            raise Refused(f"{self.name}: resourceVersion should not be set on objects to be created")
        return copy.deepcopy(body)

    def _applied(
        self, kind: Kind, body: Object, old: Object | None, owners: fake_fields.Owners, *, force: bool
    ) -> Object:
        current = copy.deepcopy(old) or {"metadata": {key: body["metadata"].get(key, "") for key in _IDENTITY}}
        _fresh(kind, body, old)
        me = (self.manager, "Apply")
        found = fake_fields.conflicts(owners, me, current, fake_fields.leaves(body))
        if found and not force:
            said = "; ".join(f'conflict with "{manager}": .{".".join(path)}' for manager, path in found)
            raise Conflict(f"{self.name}: Apply failed with {len(found)} conflict(s): {said}")
        return fake_fields.applied(owners, me, current, body)

    def _store(
        self,
        kind: Kind,
        new: Object,
        old: Object | None,
        *,
        operation: str,
        owners: fake_fields.Owners | None = None,
        dry_run: bool = False,
    ) -> Object:
        metadata = new["metadata"]
        key = _key(kind, metadata.get("namespace", ""), metadata["name"])
        owners = copy.deepcopy(self.state.owners.get(key, {})) if owners is None else owners
        if operation == "Update":
            fake_fields.updated(owners, (self.manager, operation), old or {}, new)
        new.update(apiVersion=kind.api_version, kind=kind.kind)
        metadata["managedFields"] = fake_fields.managed(owners, kind.api_version)
        kept = (old or {}).get("metadata", {})
        for name in ("uid", "resourceVersion", "generation", "creationTimestamp"):
            metadata.pop(name, None)
            if name in kept:
                metadata[name] = kept[name]
        if new == old:
            return copy.deepcopy(new)
        number = 0 if dry_run else next(self.state.counter)
        if old is None:
            metadata.update(uid=f"uid-{number}", generation=1, creationTimestamp="2026-11-23T02:00:00Z")
        elif _desired(new) != _desired(old):
            metadata["generation"] = kept["generation"] + 1
        if not dry_run:
            metadata["resourceVersion"] = str(number)
            self.state.objects[key], self.state.owners[key] = copy.deepcopy(new), owners
            self.state.events.append((key, Change(type="MODIFIED" if old else "ADDED", object=copy.deepcopy(new))))
        return copy.deepcopy(new)

    def _remove(self, key: Key) -> None:
        body = self.state.objects.pop(key, None)
        self.state.owners.pop(key, None)
        if body is None:
            return
        self.state.events.append((key, Change(type="DELETED", object=body)))
        for other, each in list(self.state.objects.items()):
            owned = any(owner.get("uid") == body["metadata"]["uid"] for owner in _owner_references(each))
            inside = key[1] == "namespaces" and other[2] == key[3]
            if owned or inside:
                self._remove(other)


_IDENTITY = ("name", "namespace")


def _key(kind: Kind, namespace: str, name: str) -> Key:
    return (kind.group, kind.plural, namespace if kind.namespaced else "", name)


def _covers(kind: Kind, namespace: str, key: Key) -> bool:
    return key[:2] == (kind.group, kind.plural) and (not namespace or key[2] == namespace)


def _owner_references(body: Object) -> list[Object]:
    found: list[Object] = body["metadata"].get("ownerReferences", [])
    return found


def _desired(body: Object) -> Object:
    return {key: value for key, value in body.items() if key not in ("metadata", "status")}


def _fresh(kind: Kind, body: Object, old: Object | None) -> None:
    asked = body.get("metadata", {}).get("resourceVersion")
    if asked and (old is None or asked != old["metadata"]["resourceVersion"]):
        raise Conflict(f"{kind.plural}: the object has been modified; please apply your changes to the latest version")


def _replaced(kind: Kind, body: Object, old: Object | None) -> Object:
    if old is None:
        raise NotFound(f'{kind.plural} "{body["metadata"]["name"]}" not found')
    _fresh(kind, body, old)
    return copy.deepcopy(body)


def _merged(kind: Kind, name: str, patch: Object, old: Object | None) -> Object:
    if old is None:
        raise NotFound(f'{kind.plural} "{name}" not found')
    _fresh(kind, patch, old)
    new: Object = _merge(old, patch)
    return new


def _merge(value: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(value) if isinstance(value, dict) else {}
    for key, each in patch.items():
        if each is None:
            result.pop(key, None)
        else:
            result[key] = _merge(result.get(key), each)
    return result


def selected(body: Object, labels: str, fields: str) -> bool:
    """Whether the selectors take an object: `a=b`, `a!=b`, `a`, `!a`, `a in (b,c)`; fields by their path."""
    have = body["metadata"].get("labels") or {}
    for match in _SET.finditer(labels):
        inside = have.get(match["key"]) in {value.strip() for value in match["values"].split(",")}
        if inside != (match["how"] == "in"):
            return False
    plain = [term.strip() for term in _SET.sub("", labels).split(",") if term.strip()]
    return all(_term(term, have.get) for term in plain) and all(
        _term(term.strip(), lambda path: _at(body, path)) for term in fields.split(",") if term.strip()
    )


def _term(term: str, get: Callable[[str], Any]) -> bool:
    if "!=" in term:
        key, value = term.split("!=", 1)
        return bool(get(key.strip()) != value.strip())
    if "=" in term:
        key, value = re.split("==?", term, maxsplit=1)
        return bool(get(key.strip()) == value.strip())
    return get(term[1:]) is None if term.startswith("!") else get(term) is not None


def _at(body: Any, path: str) -> Any:
    for name in path.split("."):
        body = body.get(name) if isinstance(body, dict) else None
    return body
