"""Who may do what: tokens, roles and bindings, reviews, and acting as another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mcci.lab.clusters.access.rbac import Action, allowed
from mcci.lab.clusters.access.users import ADMIN, Tokens, User, service_account
from tests.unit.lab.rest import CONFIG_MAPS, DEPLOYMENTS, Rest, config_map

if TYPE_CHECKING:
    import httpx

Object = dict[str, Any]
RBAC = "/apis/rbac.authorization.k8s.io/v1"
ANNA = User(name="anna", groups=("staff",))
AUTHORIZATION = "/apis/authorization.k8s.io/v1"


@pytest.fixture
def rest() -> Rest:
    return Rest()


def _rule(verbs: str, resources: str, group: str = "", **more: Any) -> Object:
    return {"verbs": verbs.split(), "apiGroups": [group], "resources": resources.split(), **more}


def _grant(rest: Rest, rules: list[Object], subject: Object, *, everywhere: bool = False) -> None:
    scope = "" if everywhere else "/namespaces/default"
    kind = "ClusterRole" if everywhere else "Role"
    rest("POST", f"{RBAC}{scope}/{kind.lower()}s", {"metadata": {"name": "r"}, "rules": rules})
    binding = {"metadata": {"name": "b"}, "subjects": [subject], "roleRef": {"kind": kind, "name": "r"}}
    made = rest("POST", f"{RBAC}{scope}/{kind.lower()}bindings", binding)
    assert made.status_code == 201, made.text


def _may(rest: Rest, user: User, verb: str, resource: str, namespace: str = "default", **more: str) -> bool:
    return allowed(rest.store, user, Action(verb=verb, resource=resource, namespace=namespace, **more))


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer nonsense", "Bearer bm9uc2Vuc2U=.abc", "Basic abc"])
def test_bad_token(rest: Rest, authorization: str) -> None:
    """Without a good token every path but the health's is 401."""
    headers = {"authorization": authorization} if authorization else {}
    for path in (CONFIG_MAPS, "/api", "/version", "/lab/requests"):
        reply = rest("GET", path, user=None, headers=headers)
        assert (reply.status_code, reply.json()["reason"]) == (401, "Unauthorized")
    assert rest("GET", "/readyz", user=None).text == "ok"


def test_token_ends() -> None:
    """A token is its user's until it expires, is revoked, or is another cluster's."""
    now = [100.0]
    tokens = Tokens(b"k" * 32, clock=lambda: now[0])
    brief, lasting = tokens.issue(ANNA, seconds=10), tokens.issue(ANNA)
    assert tokens.user(f"Bearer {brief}") == tokens.user(f"bearer {lasting}") == ANNA
    now[0] = 110.0
    assert tokens.user(f"Bearer {brief}") is None
    assert Tokens(b"k" * 32).user(f"Bearer {lasting}") == ANNA
    assert Tokens(b"x" * 32).user(f"Bearer {lasting}") is None
    tokens.revoke(lasting)
    assert tokens.user(f"Bearer {lasting}") is None


def test_nobody_may_do_anything(rest: Rest) -> None:
    """A user without bindings may discover and ask what it may do; all else is 403, and says who may not do what."""
    assert rest("GET", "/apis", user=ANNA).status_code == 200
    reply = rest("GET", f"{DEPLOYMENTS}/web", user=ANNA).json()
    assert (reply["code"], reply["reason"]) == (403, "Forbidden")
    assert reply["message"] == (
        'deployments.apps "web" is forbidden: User "anna" cannot get resource "deployments" in API group "apps" '
        'in the namespace "default"'
    )
    assert reply["details"] == {"name": "web", "group": "apps", "kind": "deployments"}
    assert 'cannot list resource "nodes"' in rest("GET", "/api/v1/nodes", user=ANNA).json()["message"]


@pytest.mark.parametrize(
    ("subject", "user"),
    [
        ({"kind": "User", "name": "anna"}, ANNA),
        ({"kind": "Group", "name": "staff"}, ANNA),
        ({"kind": "Group", "name": "system:authenticated"}, User(name="x")),
        ({"kind": "ServiceAccount", "name": "ci", "namespace": "default"}, service_account("default", "ci")),
        ({"kind": "Group", "name": "system:serviceaccounts:default"}, service_account("default", "ci")),
    ],
)
def test_binding_reaches_its_subjects(rest: Rest, subject: Object, user: User) -> None:
    """Users, groups and service accounts get a Role's rights, in its namespace alone; others do not."""
    _grant(rest, [_rule("get", "configmaps")], subject)
    assert _may(rest, user, "get", "configmaps")
    assert not _may(rest, user, "get", "configmaps", "kube-system")
    if subject["name"] != "system:authenticated":
        assert not _may(rest, User(name="bert"), "get", "configmaps")


def test_rules_mean_what_they_say(rest: Rest) -> None:
    """Verb, group, resource, subresource and name are each part of a right."""
    rules = [
        _rule("get list", "pods"),
        _rule("patch", "deployments/scale", "apps"),
        _rule("update", "configmaps", resourceNames=["mcci-environment"]),
        _rule("*", "*/status", "batch"),
    ]
    _grant(rest, rules, {"kind": "User", "name": "anna"})
    assert _may(rest, ANNA, "list", "pods")
    assert not _may(rest, ANNA, "watch", "pods")
    assert not _may(rest, ANNA, "get", "pods", subresource="log")
    assert not _may(rest, ANNA, "get", "pods", group="apps")
    assert _may(rest, ANNA, "patch", "deployments", group="apps", subresource="scale")
    assert not _may(rest, ANNA, "patch", "deployments", group="apps")
    assert _may(rest, ANNA, "update", "configmaps", name="mcci-environment")
    assert not _may(rest, ANNA, "update", "configmaps", name="other")
    assert not _may(rest, ANNA, "update", "configmaps")
    assert _may(rest, ANNA, "delete", "jobs", group="batch", subresource="status")
    assert not _may(rest, ANNA, "delete", "jobs", group="batch")


def test_cluster_roles(rest: Rest) -> None:
    """A ClusterRoleBinding gives rights everywhere; a RoleBinding of a ClusterRole only in its namespace."""
    binding = {"metadata": {"name": "v"}, "subjects": [{"kind": "User", "name": "bert"}]}
    bert = User(name="bert")
    rest(
        "POST",
        f"{RBAC}/namespaces/default/rolebindings",
        {**binding, "roleRef": {"kind": "ClusterRole", "name": "view"}},
    )
    assert _may(rest, bert, "list", "pods")
    assert not _may(rest, bert, "list", "secrets")
    assert not _may(rest, bert, "list", "pods", "kube-system")
    assert not _may(rest, bert, "list", "pods", "")
    _grant(rest, [_rule("list", "pods")], {"kind": "User", "name": "anna"}, everywhere=True)
    assert _may(rest, ANNA, "list", "pods", "")
    assert _may(rest, ANNA, "list", "pods", "kube-system")


def test_gathered_roles(rest: Rest) -> None:
    """A ClusterRole with an aggregation rule has the rules of the roles that it selects."""
    part = {"metadata": {"name": "part", "labels": {"gather": "yes"}}, "rules": [_rule("get", "pods")]}
    rest("POST", f"{RBAC}/clusterroles", part)
    whole = {
        "metadata": {"name": "whole"},
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"gather": "yes"}}]},
    }
    rest("POST", f"{RBAC}/clusterroles", whole)
    binding = {"metadata": {"name": "b"}, "subjects": [{"kind": "User", "name": "anna"}]}
    rest("POST", f"{RBAC}/clusterrolebindings", {**binding, "roleRef": {"kind": "ClusterRole", "name": "whole"}})
    assert _may(rest, ANNA, "get", "pods")


def test_rights_are_asked_for_each_request(rest: Rest) -> None:
    """A right that is given counts from the next request on, and one that is taken no longer does."""
    _grant(rest, [_rule("create", "configmaps")], {"kind": "User", "name": "anna"})
    assert rest("POST", CONFIG_MAPS, config_map("a"), user=ANNA).status_code == 201
    assert rest("DELETE", f"{CONFIG_MAPS}/a", user=ANNA).status_code == 403
    rest("DELETE", f"{RBAC}/namespaces/default/rolebindings/b")
    assert rest("POST", CONFIG_MAPS, config_map("b"), user=ANNA).status_code == 403


def _access(rest: Rest, user: User, **attributes: str) -> Object:
    body = {"spec": {"resourceAttributes": attributes}}
    reply = rest("POST", f"{AUTHORIZATION}/selfsubjectaccessreviews", body, user=user)
    assert reply.status_code == 201, reply.text
    status: Object = reply.json()["status"]
    return status


def test_access_review_agrees_with_the_server(rest: Rest) -> None:
    """What a SelfSubjectAccessReview says is what the server does."""
    _grant(rest, [_rule("get", "configmaps")], {"kind": "User", "name": "anna"})
    assert _access(rest, ANNA, verb="get", resource="configmaps", namespace="default")["allowed"] is True
    refused = _access(rest, ANNA, verb="delete", resource="configmaps", namespace="default")
    assert (refused["allowed"], "cannot delete" in refused["reason"]) == (False, True)
    assert _access(rest, ADMIN, verb="delete", resource="nodes")["allowed"] is True


def test_rules_review(rest: Rest) -> None:
    """A SelfSubjectRulesReview lists the rules that count in the namespace."""
    rule = _rule("get", "configmaps")
    _grant(rest, [rule], {"kind": "User", "name": "anna"})
    path = f"{AUTHORIZATION}/selfsubjectrulesreviews"
    here = rest("POST", path, {"spec": {"namespace": "default"}}, user=ANNA).json()["status"]
    there = rest("POST", path, {"spec": {"namespace": "kube-system"}}, user=ANNA).json()["status"]
    assert (rule in here["resourceRules"], rule in there["resourceRules"]) == (True, False)


def test_who_am_i(rest: Rest) -> None:
    """A SelfSubjectReview says whose token it is."""
    reply = rest("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {}, user=ANNA).json()
    assert reply["status"]["userInfo"] == {"username": "anna", "groups": ["staff", "system:authenticated"]}


def test_token_of_a_service_account(rest: Rest) -> None:
    """A TokenRequest gives a token that is the service account's, and ends when it says."""
    accounts = "/api/v1/namespaces/default/serviceaccounts"
    rest("POST", accounts, {"metadata": {"name": "ci"}})
    reply = rest("POST", f"{accounts}/ci/token", {"spec": {"expirationSeconds": 600}})
    assert reply.status_code == 201
    authorization = {"authorization": f"Bearer {reply.json()['status']['token']}"}
    reviews = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    who = rest("POST", reviews, {}, user=None, headers=authorization).json()["status"]["userInfo"]
    assert who["username"] == "system:serviceaccount:default:ci"
    assert rest("POST", f"{accounts}/nobody/token", {}).status_code == 404
    assert rest("POST", f"{accounts}/ci/token", {"spec": {"expirationSeconds": 60}}).status_code == 422


def test_a_bound_token(rest: Rest) -> None:
    """A token that is bound to a Secret ends with it, and every token of an account with the account."""
    accounts, secrets = "/api/v1/namespaces/default/serviceaccounts", "/api/v1/namespaces/default/secrets"
    reviews = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    rest("POST", accounts, {"metadata": {"name": "ci"}})
    uid = rest("POST", secrets, {"metadata": {"name": "anchor"}}).json()["metadata"]["uid"]

    def ask(reference: dict[str, str]) -> httpx.Response:
        return rest("POST", f"{accounts}/ci/token", {"spec": {"boundObjectRef": reference}})

    def code(reply: httpx.Response) -> int:
        authorization = {"authorization": f"Bearer {reply.json()['status']['token']}"}
        return rest("POST", reviews, {}, user=None, headers=authorization).status_code

    bound, free = ask({"kind": "Secret", "name": "anchor", "uid": uid}), rest("POST", f"{accounts}/ci/token", {})
    assert (code(bound), code(free)) == (201, 201)
    assert ask({"kind": "Secret", "name": "other"}).status_code == 404
    assert ask({"kind": "Secret", "name": "anchor", "uid": "another"}).status_code == 409
    assert ask({"kind": "ConfigMap", "name": "anchor"}).status_code == 422
    rest("DELETE", f"{secrets}/anchor")
    rest("POST", secrets, {"metadata": {"name": "anchor"}})
    assert (code(bound), code(free)) == (401, 201)
    rest("DELETE", f"{accounts}/ci")
    assert code(free) == 401


def test_acting_as_another(rest: Rest) -> None:
    """Who may impersonate is treated as the other; who may not is 403."""
    as_anna = {"impersonate-user": "anna", "impersonate-group": "staff"}
    reviews = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    who = rest("POST", reviews, {}, headers=as_anna).json()["status"]["userInfo"]
    assert who == {"username": "anna", "groups": ["staff", "system:authenticated"]}
    assert rest("GET", CONFIG_MAPS, headers=as_anna).status_code == 403
    assert rest("GET", CONFIG_MAPS, user=ANNA, headers={"impersonate-user": "kubernetes-admin"}).status_code == 403
