"""What a deploy would change: one line a resource, and the manifests' difference, with secrets masked; pure."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

import yaml

from mcci.delivery.deploy.masks import hidden

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mcci.clients.kubernetes.api import Object

HOOK = "helm.sh/hook"
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
SHOWN = 3  # changed fields that a resource's line names


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]  # the C one, where it is built
    """Writes a text of several lines as such, so that a difference is one of lines."""


def _text(dumper: Any, text: str) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


class Kind(Enum):
    """What becomes of a resource: a `HOOK` is run, and is no part of the release."""

    CREATED = "created"
    CHANGED = "changed"
    REMOVED = "removed"
    HOOK = "run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One resource of a release. `fields` are the paths that change; `lines` the manifests' difference."""

    release: str
    resource: str  # Deployment/web-v1234567890
    kind: Kind
    fields: tuple[str, ...] = ()
    lines: tuple[str, ...] = field(default=(), repr=False)
    body: Object | None = field(default=None, repr=False)  # as it would be; None where it is removed

    @property
    def line(self) -> str:
        """The change in one line."""
        more = f" and {len(self.fields) - SHOWN} more" if len(self.fields) > SHOWN else ""
        names = f": {', '.join(self.fields[:SHOWN])}{more}" if self.kind is Kind.CHANGED else ""
        return f"{self.resource} {self.kind.value}{names}"


def changes(release: str, before: str, after: str, mask: Callable[[str], str]) -> list[Change]:
    """Return what changes from the manifests `before` to `after`; either is empty where there is no release."""
    old, new = parse(before), parse(after)
    found: list[Change] = []
    for name, body in new.items():
        if _is_hook(body):
            if old.get(name) == body:
                continue
            found.append(Change(release=release, resource=name, kind=Kind.HOOK, body=body))
        elif name not in old or _is_hook(old[name]):
            lines = tuple(_difference(None, body, mask))
            found.append(Change(release=release, resource=name, kind=Kind.CREATED, lines=lines, body=body))
        elif body != old[name]:
            found.append(_changed(release, name, old[name], body, mask))
    for name, body in old.items():
        if name not in new and not _is_hook(body):
            lines = tuple(_difference(body, None, mask))
            found.append(Change(release=release, resource=name, kind=Kind.REMOVED, lines=lines))
    return found


def parse(manifests: str) -> dict[str, Object]:
    """Return the objects of manifests, by `Kind/name`."""
    bodies = [body for body in yaml.load_all(manifests, Loader=_Loader) if isinstance(body, dict)]
    return {f"{body.get('kind')}/{(body.get('metadata') or {}).get('name')}": body for body in bodies}


def _changed(release: str, name: str, old: Object, new: Object, mask: Callable[[str], str]) -> Change:
    lines = tuple(_difference(old, new, mask))
    fields = tuple(paths(old, new))
    return Change(
        release=release,
        resource=name,
        kind=Kind.CHANGED,
        fields=fields,
        lines=lines or (f"  (masked values change: {', '.join(fields)})",),
        body=new,
    )


def paths(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """Return the paths at which two values differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from paths(old.get(key), new.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from paths(one, other, f"{path}[{number}]")
    elif old != new:
        yield path


def _difference(old: Object | None, new: Object | None, mask: Callable[[str], str]) -> Iterable[str]:
    before, after = (_shown(body, mask) if body else [] for body in (old, new))
    return list(difflib.unified_diff(before, after, n=3, lineterm=""))[2:]


def _shown(body: Object, mask: Callable[[str], str]) -> list[str]:
    text: str = yaml.dump(hidden(body), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return mask(text).splitlines()


def _is_hook(body: Object) -> bool:
    return HOOK in ((body.get("metadata") or {}).get("annotations") or {})
