"""Rendered objects are what Kubernetes 1.25 to 1.37 and Istio accept, with unknown fields refused."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import kubernetes_validate  # type: ignore[import-untyped, unused-ignore]
import pytest
import yaml

from tests.charts.rendering import Case, Object, case, cases, render
from tests.charts.tools.crds import CRDS, object_schemas
from tests.tools.helm import Major

pytestmark = pytest.mark.service

KUBERNETES = [f"1.{minor}.0" for minor in range(25, 38)]


def validate(thing: Object, kube_version: str) -> None:
    """Raise ValidationError when that version of Kubernetes, or Istio, does not know a field or its type."""
    if thing["apiVersion"].startswith("external-secrets.io/"):
        return  # that operator publishes no schema here to hold it against; only its golden file does
    istio = object_schemas().get((thing["apiVersion"], thing["kind"]))
    if istio:
        jsonschema.Draft7Validator(istio).validate(thing)
    else:
        kubernetes_validate.validate(thing, kube_version, strict=True)


@pytest.mark.parametrize("one", cases(), ids=lambda one: one.name)
def test_valid(newest: Major, one: Case) -> None:
    """Every object of the case is valid on the cluster it was rendered for (1.25 and newer)."""
    for thing in render(newest, one, max(one.kube_version, "1.25.0")):
        validate(thing, max(one.kube_version, "1.25.0"))


@pytest.mark.parametrize("kube_version", KUBERNETES)
@pytest.mark.parametrize("name", ["microservice/everything", "istio/everything"])
def test_valid_on(newest: Major, name: str, kube_version: str) -> None:
    """With every option on, what is rendered for that version of Kubernetes is valid there."""
    things = render(newest, case(name), kube_version)
    assert len(things) > 5
    for thing in things:
        validate(thing, kube_version)


@pytest.mark.parametrize("path", sorted(CRDS.glob("*.yaml")), ids=lambda path: path.stem)
def test_crds_are_objects(path: Path) -> None:
    """Each CRD is itself a valid object of the oldest and the newest Kubernetes known here."""
    text = path.read_text(encoding="utf-8")
    for kube_version in (KUBERNETES[0], KUBERNETES[-1]):
        kubernetes_validate.validate(yaml.safe_load(text), kube_version, strict=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"spec": {"hosts": ["a"], "htttp": []}}, "htttp"),
        ({"spec": {"hosts": "a"}}, "'a' is not of type 'array'"),
        ({"spec": {"tcp": [{"route": [{"destination": {"host": "a", "weight": 10}}]}]}}, "weight"),
    ],
)
def test_istio_schema_refuses(change: Object, message: str) -> None:
    """The schemas refuse unknown fields and wrong types, so a green test above means something."""
    thing = {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "a"}} | change
    with pytest.raises(jsonschema.ValidationError, match=message):
        validate(thing, "1.34.0")
