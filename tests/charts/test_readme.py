"""The charts' documentation is made from their values, and cannot drift from them."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from types import ModuleType

import pytest
import yaml

from tests.charts.rendering import CHARTS
from tests.charts.tools.embed_schemas import definitions


@pytest.fixture(scope="module")
def readme() -> ModuleType:
    """charts/readme.py as a module."""
    spec = importlib.util.spec_from_file_location("charts_readme", CHARTS / "readme.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.service
def test_up_to_date() -> None:
    """README.md and the schemas' descriptions are what the comments in values.yaml say."""
    done = subprocess.run([sys.executable, str(CHARTS / "readme.py"), "--check"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("chart", ["microservice", "istio"])
def test_every_key_is_described_and_closed(chart: str) -> None:
    """Every key of the schema has a description or described children, and no object takes unknown keys unawares."""
    schema = json.loads((CHARTS / chart / "values.schema.json").read_text(encoding="utf-8"))
    open_objects = []

    def visit(node: dict[str, object], path: str) -> None:
        properties = node.get("properties")
        if isinstance(properties, dict):
            assert node.get("additionalProperties") is False, path
            for name, entry in properties.items():
                assert "description" in entry or "properties" in entry, f"{path}.{name}"
                visit(entry, f"{path}.{name}")
        elif node.get("type") == "object" and "additionalProperties" not in node and "allOf" not in node:
            open_objects.append(path.removeprefix("."))
        for key in ("items", "additionalProperties"):
            inner = node.get(key)
            if isinstance(inner, dict):
                visit(inner, f"{path}[]")

    visit(schema, "")
    handed_to_kubernetes = {
        "global",
        "resources.requests",
        "resources.limits",
        "autoscaling.behavior",
        "networkPolicy.from[]",
        "networkPolicy.to[]",
        "podSecurityContext",
        "securityContext",
        "affinity",
        "tolerations[]",
        "ingressGateway.resources.requests",
        "ingressGateway.resources.limits",
    }
    assert set(open_objects) <= handed_to_kubernetes


def test_istio_types_come_from_the_crds() -> None:
    """The types embedded in the istio chart's schema are those of charts/crds."""
    schema = json.loads((CHARTS / "istio" / "values.schema.json").read_text(encoding="utf-8"))
    assert schema["definitions"] == definitions()


@pytest.mark.parametrize(
    ("values", "schema", "message"),
    [
        ("port: 1\n", {"properties": {"port": {}}}, "port has no comment in values.yaml"),
        ("# It.\nport: 1\n", {"properties": {}}, "port is in values.yaml, but not in values.schema.json"),
        ("# It.\nport: 1\n", {"properties": {"port": {}, "host": {}}}, "host is in values.schema.json, but not"),
    ],
)
def test_undocumented_values_are_an_error(
    readme: ModuleType, values: str, schema: dict[str, object], message: str
) -> None:
    """A value without a comment, or known to only one of the two files, stops the generator by name."""
    with pytest.raises(readme.Undocumented, match=message):
        readme.describe(schema, yaml.safe_load(values), readme.comments(values))


def test_comments_belong_to_the_key_below(readme: ModuleType) -> None:
    """A comment of several lines goes to the key under it, by dotted name; a blank line ends it."""
    text = "# Lost.\n\n# One\n# two.\na: 1\nb:\n  # Inner.\n  c: 2\n"
    assert readme.comments(text) == {"a": "One two.", "b.c": "Inner."}
