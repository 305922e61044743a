"""Who may do what: no or a wrong token, a user without rights, roles, and what the API says of it beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.api import eventually, good, status
from tests.contract.objects import config_map

if TYPE_CHECKING:
    from tests.contract.api import Api, Cluster

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
ROLES = "/apis/rbac.authorization.k8s.io/v1"


def _may(api: Api, namespace: str, verb: str, resource: str, **more: str) -> dict[str, Any]:
    attributes = {"namespace": namespace, "verb": verb, "resource": resource, **more}
    body = {
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }  # fmt: skip
    found: dict[str, Any] = good(api.post(REVIEWS, body), 201)["status"]
    return found


def _who(api: Api, namespace: str) -> str:
    """Return the name by which the server knows a user, from its own refusal."""
    message = api.get(f"/api/v1/namespaces/{namespace}/secrets").json()["message"]
    return str(message.split('User "')[1].split('"')[0])


def test_unknown_token(cluster: Cluster) -> None:
    """A token that the server does not know is 401."""
    status(cluster.stranger.get("/api/v1/namespaces"), 401, "Unauthorized")


def test_forbidden(cluster: Cluster, namespace: str) -> None:
    """A user without rights is refused with who, what and where."""
    body = status(cluster.nobody.get(f"/api/v1/namespaces/{namespace}/secrets"), 403, "Forbidden")
    assert 'cannot list resource "secrets" in API group "" in the namespace' in body["message"]
    assert body["details"] == {"kind": "secrets"}


def test_forbidden_does_not_tell(cluster: Cluster, namespace: str) -> None:
    """To whom it is forbidden, what is there and what is not look the same."""
    good(cluster.admin.post(f"/api/v1/namespaces/{namespace}/configmaps", config_map("a")))
    for name in ("a", "none"):
        status(cluster.nobody.get(f"/api/v1/namespaces/{namespace}/configmaps/{name}"), 403, "Forbidden")


def test_review(cluster: Cluster, namespace: str) -> None:
    """A SelfSubjectAccessReview says what oneself may."""
    assert _may(cluster.admin, namespace, "delete", "deployments", group="apps")["allowed"] is True
    assert _may(cluster.nobody, namespace, "delete", "deployments", group="apps")["allowed"] is False


def test_anybody_may_look_around(cluster: Cluster) -> None:
    """Version and discovery are open to every known user."""
    for path in ("/version", "/api", "/apis", "/api/v1"):
        assert cluster.nobody.get(path).status_code == 200


def test_role(cluster: Cluster, namespace: str) -> None:
    """A role gives exactly the verbs, resources and names it lists, in its namespace alone."""
    rules = [
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]},
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["update"], "resourceNames": ["a"]},
        {"apiGroups": ["apps"], "resources": ["deployments/scale"], "verbs": ["*"]},
    ]
    meta = {"name": "reader"}
    kind = {"apiVersion": "rbac.authorization.k8s.io/v1"}
    good(
        cluster.admin.post(
            f"{ROLES}/namespaces/{namespace}/roles", {**kind, "kind": "Role", "metadata": meta, "rules": rules}
        )
    )
    user = _who(cluster.nobody, namespace)
    binding = {
        **kind, "kind": "RoleBinding", "metadata": meta,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    }  # fmt: skip
    good(cluster.admin.post(f"{ROLES}/namespaces/{namespace}/rolebindings", binding))
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    eventually(lambda: cluster.nobody.get(path).status_code == 200, "the role to be known")
    status(cluster.nobody.post(path, config_map("a")), 403, "Forbidden")
    for name in ("a", "b"):
        good(cluster.admin.post(path, config_map(name)))
    good(cluster.nobody.put(f"{path}/a", config_map("a", {"x": "1"})))
    status(cluster.nobody.put(f"{path}/b", config_map("b", {"x": "1"})), 403, "Forbidden")
    status(cluster.nobody.get("/api/v1/namespaces/default/configmaps"), 403, "Forbidden")
    scale = {"group": "apps", "subresource": "scale"}
    assert _may(cluster.nobody, namespace, "patch", "deployments", **scale)["allowed"] is True
    assert _may(cluster.nobody, namespace, "patch", "deployments", group="apps")["allowed"] is False


@pytest.mark.since("1.28")
def test_whoami(cluster: Cluster) -> None:
    """A SelfSubjectReview says who one is."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    user = good(cluster.admin.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", body), 201)
    assert user["status"]["userInfo"]["username"]


def test_role_of_nothing(cluster: Cluster, namespace: str) -> None:
    """Who has no rights may not give any."""
    body = {
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "mine"},
        "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}],
    }  # fmt: skip
    status(cluster.nobody.post(f"{ROLES}/namespaces/{namespace}/roles", body), 403, "Forbidden")
