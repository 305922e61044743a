"""An object against its kind's schema: what is unknown, of the wrong type, missing, out of bounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from mcci.lab.clusters.resources import BUILT_IN, REVIEWS
from mcci.lab.clusters.schemas.schema import UNKNOWN, built_in, of_definition
from mcci.lab.clusters.schemas.validation import check

Object = dict[str, Any]
CRDS = Path(__file__).parents[3] / "charts" / "crds"
DEPLOYMENT = built_in("apps", "v1", "Deployment")


def _crd(name: str) -> Any:
    return of_definition(yaml.safe_load((CRDS / name).read_text()), "v1")


def test_every_built_in_kind_has_a_schema() -> None:
    """No kind that is kept is taken without looking at it."""
    kept = [(item, version) for item in BUILT_IN if item not in REVIEWS for version in item.versions]
    assert [item.kind for item, version in kept if built_in(item.group, version, item.kind) is UNKNOWN] == []


def test_good_object_is_kept() -> None:
    """A right object passes as it is, but for nulls, which are as good as nothing."""
    body = {"metadata": {"name": "web", "labels": None}, "spec": {"replicas": 2, "selector": {}, "template": {}}}
    kept, report = check(body, DEPLOYMENT)
    assert kept == {"metadata": {"name": "web"}, "spec": {"replicas": 2, "selector": {}, "template": {}}}
    assert (report.unknown, report.wrong) == ([], [])


def test_unknown_fields_are_named_and_left_out() -> None:
    """A field that the kind does not know is named with its path, at any depth; free maps take any key."""
    body = {
        "metadata": {"name": "web", "labels": {"anything": "goes"}},
        "spec": {"replica": 2, "selector": {}, "template": {"spec": {"containers": [{"name": "a", "img": "x"}]}}},
    }
    kept, report = check(body, DEPLOYMENT)
    assert report.unknown == ["spec.replica", "spec.template.spec.containers[0].img"]
    assert kept["spec"]["template"]["spec"]["containers"] == [{"name": "a"}]
    assert kept["metadata"]["labels"] == {"anything": "goes"}


@pytest.mark.parametrize(
    ("spec", "field", "given", "wanted"),
    [
        ({"replicas": "2"}, "spec.replicas", "string", "integer"),
        ({"replicas": True}, "spec.replicas", "boolean", "integer"),
        ({"replicas": 1.5}, "spec.replicas", "number", "integer"),
        ({"paused": 1}, "spec.paused", "integer", "boolean"),
        ({"template": []}, "spec.template", "array", "object"),
        ({"template": {"metadata": {"labels": {"a": 1}}}}, "spec.template.metadata.labels.a", "integer", "string"),
        ({"template": {"spec": {"containers": {}}}}, "spec.template.spec.containers", "object", "array"),
    ],
)
def test_wrong_type(spec: Object, field: str, given: str, wanted: str) -> None:
    """A value of the wrong type is named with its path, what it is and what it should be."""
    _, report = check({"metadata": {"name": "a"}, "spec": {"selector": {}, "template": {}, **spec}}, DEPLOYMENT)
    (wrong,) = [item for item in report.wrong if item.reason == "FieldValueTypeInvalid"]
    assert (wrong.field, wrong.given, wrong.wanted) == (field, given, wanted)


@pytest.mark.parametrize("surge", [1, "25%"])
def test_number_or_text(surge: Any) -> None:
    """What may be a number or a text may be either."""
    strategy = {"rollingUpdate": {"maxSurge": surge}}
    _, report = check({"metadata": {}, "spec": {"selector": {}, "template": {}, "strategy": strategy}}, DEPLOYMENT)
    assert report.wrong == []


def test_missing_field() -> None:
    """A required field that is missing is named."""
    _, report = check({"metadata": {}, "spec": {"template": {}}}, DEPLOYMENT)
    assert [(item.field, item.reason) for item in report.wrong] == [("spec.selector", "FieldValueRequired")]


def test_custom_kind_knows_its_fields() -> None:
    """Istio's definitions give types and fields: a misspelled one is unknown, a text is no weight."""
    schema = _crd("networking.istio.io_virtualservices.yaml")
    routes = [{"destination": {"host": "a"}, "wieght": 1}, {"destination": {"host": "a"}, "weight": "1"}]
    _, report = check({"metadata": {"name": "a"}, "spec": {"http": [{"route": routes}]}}, schema)
    assert report.unknown == ["spec.http[0].route[0].wieght"]
    assert [item.field for item in report.wrong] == ["spec.http[0].route[1].weight"]


def test_value_out_of_an_enumeration() -> None:
    """A value that is none of an enumeration's is named with those that are."""
    schema = _crd("networking.istio.io_serviceentries.yaml")
    _, report = check({"metadata": {"name": "a"}, "spec": {"hosts": ["a"], "location": "MOON"}}, schema)
    (wrong,) = report.wrong
    assert wrong.field == "spec.location"
    assert '"MESH_EXTERNAL"' in wrong.message
