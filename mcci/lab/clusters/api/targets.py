"""What a request's path and method ask for, in Kubernetes' terms."""

from __future__ import annotations

from dataclasses import dataclass

METHODS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
# Of /api/v1/namespaces/NAME/… these are subresources of the namespace; anything else is a kind inside it.
OF_NAMESPACES = ("status", "finalize")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A resource request. `version` is one of the group's; `name` and `subresource` may be empty."""

    verb: str
    group: str
    version: str
    plural: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def group_version(self) -> str:
        """As an object's apiVersion."""
        return f"{self.group}/{self.version}" if self.group else self.version


def target_of(method: str, path: str, *, watch: bool = False) -> Target | None:
    """Return what is asked; None for a path that names no kind."""
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["api"] and len(parts) >= 3:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[:1] == ["apis"] and len(parts) >= 4:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    namespace = ""
    if rest[0] == "namespaces" and len(rest) >= 3 and not (rest[2] in OF_NAMESPACES and len(rest) == 3):
        namespace, rest = rest[1], rest[2:]
    elif rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
    verb = METHODS.get(method, method.lower())
    if len(rest) == 1 and verb == "get":
        verb = "watch" if watch else "list"
    elif len(rest) > 1 and verb == "get" and watch:
        verb = "watch"
    elif len(rest) == 1 and verb == "delete":
        verb = "deletecollection"
    return Target(
        verb=verb,
        group=group,
        version=version,
        plural=rest[0],
        namespace=namespace,
        name=rest[1] if len(rest) > 1 else "",
        subresource="/".join(rest[2:]),
    )
