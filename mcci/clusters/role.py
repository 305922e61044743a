"""The least role that the deployer needs, as the objects that an administrator applies once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcci.clients.kubernetes.api import Object
    from mcci.clusters.permissions import Permission

NAME = "mcci-deployer"
_RBAC = "rbac.authorization.k8s.io"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whom the role is given to: a service account, a user or a group."""

    kind: str
    name: str
    namespace: str = ""

    def document(self) -> Object:
        """Return it as a binding names it."""
        if self.kind == "ServiceAccount":
            return {"kind": self.kind, "name": self.name, "namespace": self.namespace}
        return {"kind": self.kind, "name": self.name, "apiGroup": _RBAC}


def subject(text: str, namespace: str) -> Subject:
    """Return the subject that `user:NAME`, `group:NAME` or `serviceaccount:[NAMESPACE/]NAME` names."""
    kind, _, name = text.partition(":")
    kinds = {"user": "User", "group": "Group", "serviceaccount": "ServiceAccount"}
    if kind not in kinds or not name:
        raise UsageError(f"'{text}' names nobody: use user:NAME, group:NAME or serviceaccount:[NAMESPACE/]NAME.")
    if kind != "serviceaccount":
        return Subject(kind=kinds[kind], name=name)
    place, _, account = name.rpartition("/")
    return Subject(kind=kinds[kind], name=account, namespace=place or namespace)


def documents(namespace: str, labels: dict[str, str], permissions: Sequence[Permission], whom: Subject) -> list[Object]:
    """Return the namespace, the account (where it is one of this namespace), the role, and what binds them.

    With the namespace made here, the deployer need not be allowed to make namespaces, which no role can restrict to
    one name.
    """
    common = {"app.kubernetes.io/managed-by": "mcci"}
    found: list[Object] = [_object("v1", "Namespace", {"name": namespace, "labels": labels})]
    if whom.kind == "ServiceAccount" and whom.namespace == namespace:
        found.append(
            _object(
                "v1", "ServiceAccount", {"name": whom.name, "namespace": namespace, "labels": common},
                automountServiceAccountToken=False,
            )
        )  # fmt: skip
    place = {"name": NAME, "namespace": namespace, "labels": common}
    wide = {"name": f"{NAME}-{namespace}", "labels": common}
    inside = [each for each in permissions if each.kind.namespaced]
    outside = [each for each in permissions if not each.kind.namespaced]
    found += [
        _object(f"{_RBAC}/v1", "Role", place, rules=rules(inside)),
        _object(f"{_RBAC}/v1", "RoleBinding", place, **_binds("Role", NAME, whom)),
    ]
    if outside:
        only = [{**rule, "resourceNames": [namespace]} for rule in rules(outside)]
        found += [
            _object(f"{_RBAC}/v1", "ClusterRole", wide, rules=only),
            _object(f"{_RBAC}/v1", "ClusterRoleBinding", wide, **_binds("ClusterRole", wide["name"], whom)),
        ]
    return found


def rules(permissions: Sequence[Permission]) -> list[Object]:
    """Return RBAC's rules: one for each resource, in the table's order."""
    verbs: dict[tuple[str, str], list[str]] = {}
    for each in permissions:
        verbs.setdefault((each.kind.group, each.resource), []).append(each.verb)
    return [
        {"apiGroups": [group], "resources": [resource], "verbs": found} for (group, resource), found in verbs.items()
    ]


def _object(api_version: str, kind: str, metadata: Any, **rest: Any) -> Object:
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}


def _binds(kind: str, name: Any, whom: Subject) -> Object:
    return {"roleRef": {"apiGroup": _RBAC, "kind": kind, "name": name}, "subjects": [whom.document()]}
