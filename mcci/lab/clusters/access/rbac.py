"""What a user may do: roles and bindings, evaluated as the real authorizer does.

Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.access.users import AUTHENTICATED, SYSTEM
from mcci.lab.clusters.resources import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcci.lab.clusters.access.users import User
    from mcci.lab.clusters.store import Store

Object = dict[str, Any]

# What everybody with a token may do, as the real cluster's default roles allow it.
DISCOVERY = (
    "/healthz",
    "/livez",
    "/readyz",
    "/version",
    "/version/",
    "/api",
    "/api/*",
    "/apis",
    "/apis/*",
    "/openapi/*",
)
EVERYBODY: list[Object] = [
    {"verbs": ["get"], "nonResourceURLs": list(DISCOVERY)},
    {
        "verbs": ["create"],
        "apiGroups": ["authorization.k8s.io"],
        "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
    },
    {"verbs": ["create"], "apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"]},
]
ALL: list[Object] = [
    {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
    {"verbs": ["*"], "nonResourceURLs": ["*"]},
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What somebody wants to do: with a resource, or (`path`) with a URL that is none."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""


def allowed(store: Store, user: User, action: Action) -> bool:
    """Say whether a rule allows it."""
    return any(_covers(rule, action) for rule in rules_for(store, user, action.namespace))


def rules_for(store: Store, user: User, namespace: str) -> Iterator[Object]:
    """Give the rules that a user has in a namespace (empty: cluster-wide ones only)."""
    if SYSTEM in user.groups:
        yield from ALL
        return
    yield from EVERYBODY
    for binding in store.list(CLUSTER_ROLE_BINDINGS):
        if _binds(binding, user, ""):
            yield from _rules(store, binding, "")
    for binding in store.list(ROLE_BINDINGS, namespace) if namespace else ():
        if _binds(binding, user, namespace):
            yield from _rules(store, binding, namespace)


def refusal(user: User, action: Action) -> str:
    """Return why, as the real authorizer says it."""
    if action.path:
        return f'User "{user.name}" cannot {action.verb} path "{action.path}"'
    resource = f"{action.resource}/{action.subresource}" if action.subresource else action.resource
    where = f'in the namespace "{action.namespace}"' if action.namespace else "at the cluster scope"
    what = f'cannot {action.verb} resource "{resource}" in API group "{action.group}" {where}'
    return f'User "{user.name}" {what}'


def _binds(binding: Object, user: User, namespace: str) -> bool:
    for subject in binding.get("subjects") or ():
        name = subject.get("name")
        if subject.get("kind") == "User" and name == user.name:
            return True
        if subject.get("kind") == "Group" and name in (*user.groups, AUTHENTICATED):
            return True
        account = f"system:serviceaccount:{subject.get('namespace') or namespace}:{name}"
        if subject.get("kind") == "ServiceAccount" and account == user.name:
            return True
    return False


def _rules(store: Store, binding: Object, namespace: str) -> list[Object]:
    reference = binding["roleRef"]
    if reference["kind"] == "ClusterRole":
        role = store.get(CLUSTER_ROLES, reference["name"])
    else:
        role = store.get(ROLES, reference["name"], namespace)
    return _aggregated(store, role) if role else []


def _aggregated(store: Store, role: Object) -> list[Object]:
    """Return a role's rules, with those of the roles that it gathers by labels."""
    rules: list[Object] = list(role.get("rules") or ())
    for selector in (role.get("aggregationRule") or {}).get("clusterRoleSelectors") or ():
        wanted = (selector.get("matchLabels") or {}).items()
        for other in store.list(CLUSTER_ROLES):
            if wanted <= (other["metadata"].get("labels") or {}).items():
                rules += other.get("rules") or ()
    return rules


def _covers(rule: Object, action: Action) -> bool:
    if not _has(rule.get("verbs"), action.verb):
        return False
    if action.path:
        return any(_matches_path(pattern, action.path) for pattern in rule.get("nonResourceURLs") or ())
    wanted = f"{action.resource}/{action.subresource}" if action.subresource else action.resource
    resources = rule.get("resources") or ()
    below = f"*/{action.subresource}"
    names = rule.get("resourceNames")
    return (
        _has(rule.get("apiGroups"), action.group)
        and (_has(resources, wanted) or (bool(action.subresource) and below in resources))
        and (not names or action.name in names)
    )


def _has(values: Iterable[str] | None, wanted: str) -> bool:
    listed = values or ()
    return "*" in listed or wanted in listed


def _matches_path(pattern: str, path: str) -> bool:
    return path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern
