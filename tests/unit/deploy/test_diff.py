"""Differences of manifests, and the secrets that they do not show."""

from __future__ import annotations

import base64

import pytest

from mcci.delivery.deploy.diff import Kind, changes
from mcci.delivery.deploy.masks import Masks, is_secret

OLD = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {replicas: 1, template: {a: [{x: 1}]}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
"""
NEW = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {replicas: 2, template: {a: [{x: 3}]}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {profile: "a: 1\\nb: 2\\n"}
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, annotations: {helm.sh/hook: pre-upgrade}}
"""


def test_one_line_a_resource() -> None:
    """What is made, changed, removed and run is told in a line each, with the fields that change."""
    assert [each.line for each in changes("web", OLD, NEW, str)] == [
        "Deployment/web changed: spec.replicas, spec.template.a[0].x",
        "ConfigMap/web created",
        "Job/migrate run",
        "Service/web removed",
    ]


def test_lines() -> None:
    """The difference is one of lines, a text of several lines included."""
    changed, created, *_ = changes("web", OLD, NEW, str)
    assert "-  replicas: 1" in changed.lines
    assert "+  replicas: 2" in changed.lines
    assert created.kind is Kind.CREATED
    assert "+    a: 1" in created.lines


def test_same() -> None:
    """Equal manifests are no change, a hook's neither."""
    assert changes("web", NEW, NEW, str) == []


def test_masked() -> None:
    """A Secret's data and known secrets are masked; that they change is still told."""
    secret = "kind: Secret\nmetadata: {{name: s}}\nstringData: {{key: {0}}}\n"
    (found,) = changes("web", secret.format("one"), secret.format("two"), str)
    assert found.lines == ("  (masked values change: stringData.key)",)
    mask = Masks([{"env": {"DB_PASSWORD": "hunter2"}}])
    (made,) = changes("web", "", "kind: Pod\nmetadata: {name: p}\nspec: {value: hunter2}\n", mask)
    assert "+  value: '[masked]'" in made.lines or "+  value: [masked]" in made.lines


@pytest.mark.parametrize(
    "values",
    [
        {"password": "hunter2"},
        {"a": [{"dbPassword": "hunter2"}]},
        {"env": [{"name": "API_TOKEN", "value": "hunter2"}]},
        {"credentials": {"anything": ["hunter2"]}},
    ],
)
def test_secrets_by_their_names(values: dict[str, object]) -> None:
    """A secret is known by the name it stands under, at any depth, and masked in plain text and in base64."""
    mask = Masks([values])
    assert mask("it is hunter2!") == "it is [masked]!"
    assert mask(base64.b64encode(b"hunter2").decode()) == "[masked]"


@pytest.mark.parametrize("name", ["passwordFile", "tokenURL", "secretName", "replicas", "keyboard", "compass"])
def test_no_secret(name: str) -> None:
    """Where a secret lies, or what it is called, is none; and neither is a word that holds another."""
    assert not is_secret(name)


def test_short_values_are_left() -> None:
    """What is too short to hide is left, so that the rest stays readable."""
    assert Masks([{"password": "abc"}])("abcdef") == "abcdef"
