"""Istio's CRDs, read back as strict JSON schemas: what is not in them is refused."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

CRDS = Path(__file__).parents[3] / "charts" / "crds"

Schema = dict[str, Any]


@cache
def object_schemas() -> dict[tuple[str, str], Schema]:
    """The strict schema of every served (apiVersion, kind)."""
    found: dict[tuple[str, str], Schema] = {}
    for path in sorted(CRDS.glob("*.yaml")):
        spec = yaml.safe_load(path.read_text(encoding="utf-8"))["spec"]
        for version in spec["versions"]:
            schema = strict(version["schema"]["openAPIV3Schema"])
            schema["required"] = ["apiVersion", "kind", "metadata", "spec"]
            found[f"{spec['group']}/{version['name']}", spec["names"]["kind"]] = schema
    return found


def spec_schema(kind: str) -> Schema:
    """The strict schema of the `spec` of that networking kind."""
    schema: Schema = object_schemas()["networking.istio.io/v1", kind]["properties"]["spec"]
    return schema


def strict(node: Schema) -> Schema:
    """A copy of that structural schema in which every object refuses the fields it does not name."""
    copy = dict(node)
    if "properties" in node:
        copy["properties"] = {name: strict(value) for name, value in node["properties"].items()}
        copy["additionalProperties"] = False
    elif isinstance(node.get("additionalProperties"), dict):
        copy["additionalProperties"] = strict(node["additionalProperties"])
    if "items" in node:
        copy["items"] = strict(node["items"])
    return copy
