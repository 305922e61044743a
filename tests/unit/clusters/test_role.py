"""The least role: each right once, no wildcard, bound to whom it is for."""

from __future__ import annotations

import pytest

from mcci.clusters import role
from mcci.clusters.permissions import PERMISSIONS, Feature, needed
from mcci.errors import UsageError

LABELS = {"mcci.io/application": "shop"}


def test_table() -> None:
    """Every feature has a right, every right says what it is for, and none is there twice for one feature."""
    assert {each.feature for each in PERMISSIONS} == set(Feature)
    assert all(each.why for each in PERMISSIONS)
    assert len({(each.verb, each.resource, each.kind.group, each.feature) for each in PERMISSIONS}) == len(PERMISSIONS)


def test_needed() -> None:
    """A right that two features need is there once; what no feature needs is not there."""
    found = [str(each) for each in needed(frozenset({Feature.CONFIG, Feature.MIGRATION}))]
    assert len(found) == len(set(found))
    assert "patch configmaps" in found
    assert "create jobs.batch" in found
    assert "update virtualservices.networking.istio.io" not in found
    assert "patch configmaps" not in [str(each) for each in needed(frozenset())]


def test_scaled_by_autoscalers() -> None:
    """Where the chart makes autoscalers `mcci canary step --scale` may look for them and raise them."""
    found = {str(each) for each in needed(frozenset({Feature.AUTOSCALING}))}
    assert {f"{verb} horizontalpodautoscalers.autoscaling" for verb in ("list", "patch")} <= found


def test_rules() -> None:
    """No rule has a wildcard, none is for writing what the cluster has one of, and namespaces are one by name."""
    found = role.documents("shop", LABELS, needed(frozenset(Feature)), role.subject("group:deployers", "shop"))
    rules = [(each["kind"], rule) for each in found for rule in each.get("rules", ())]
    for kind, rule in rules:
        assert "*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"]
        assert (kind == "ClusterRole") == ("namespaces" in rule["resources"])
    assert [rule for kind, rule in rules if kind == "ClusterRole"] == [
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"], "resourceNames": ["shop"]}
    ]


@pytest.mark.parametrize(
    ("text", "expected", "account"),
    [
        ("user:maria", {"kind": "User", "name": "maria", "apiGroup": "rbac.authorization.k8s.io"}, False),
        ("group:a:b", {"kind": "Group", "name": "a:b", "apiGroup": "rbac.authorization.k8s.io"}, False),
        ("serviceaccount:ci", {"kind": "ServiceAccount", "name": "ci", "namespace": "shop"}, True),
        ("serviceaccount:gitlab/agent", {"kind": "ServiceAccount", "name": "agent", "namespace": "gitlab"}, False),
    ],
)
def test_subject(text: str, expected: dict[str, str], account: bool) -> None:
    """A binding names the user, the group or the account; an account in the namespace is made with it."""
    found = role.documents("shop", LABELS, needed(frozenset()), role.subject(text, "shop"))
    assert [each["subjects"] for each in found if "subjects" in each] == [[expected], [expected]]
    assert ("ServiceAccount" in [each["kind"] for each in found]) is account
    assert found[0]["metadata"] == {"name": "shop", "labels": LABELS}


@pytest.mark.parametrize("text", ["maria", "team:a", "user:", ""])
def test_nobody(text: str) -> None:
    """What names nobody is refused."""
    with pytest.raises(UsageError, match="user:NAME"):
        role.subject(text, "shop")
