"""Make charts/crds/*.yaml, Istio's CustomResourceDefinitions, from the models of cloudcoil-models-istio.

Istio's own CRD files are in no package index that tests may rely on; these models were generated from them.
Run once for a new Istio version and commit the result; the package is needed for nothing else:

    pip install cloudcoil-models-istio==1.24.2.1
    python tests/charts/tools/make_crds.py charts/crds
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One custom resource: its names and the versions served, the stored one first."""

    group: str
    kind: str
    plural: str
    short: tuple[str, ...]
    versions: tuple[str, ...]


NETWORKING = ("v1", "v1beta1", "v1alpha3")
KINDS = (
    Kind(group="networking", kind="Gateway", plural="gateways", short=("gw",), versions=NETWORKING),
    Kind(group="networking", kind="VirtualService", plural="virtualservices", short=("vs",), versions=NETWORKING),
    Kind(group="networking", kind="DestinationRule", plural="destinationrules", short=("dr",), versions=NETWORKING),
    Kind(group="networking", kind="ServiceEntry", plural="serviceentries", short=("se",), versions=NETWORKING),
    Kind(group="networking", kind="Sidecar", plural="sidecars", short=(), versions=NETWORKING),
    Kind(
        group="security",
        kind="PeerAuthentication",
        plural="peerauthentications",
        short=("pa",),
        versions=("v1", "v1beta1"),
    ),
    Kind(
        group="security",
        kind="AuthorizationPolicy",
        plural="authorizationpolicies",
        short=("ap",),
        versions=("v1", "v1beta1"),
    ),
)


def crd(kind: Kind) -> Schema:
    """The CustomResourceDefinition of that kind, with a structural schema for `spec` in every version."""
    model = getattr(importlib.import_module(f"cloudcoil.models.istio.{kind.group}.v1"), kind.kind)
    document = model.model_json_schema(by_alias=True)
    spec = structural(document["properties"]["spec"], document["$defs"])
    schema = {
        "openAPIV3Schema": {
            "type": "object",
            "properties": {
                "apiVersion": {"type": "string"},
                "kind": {"type": "string"},
                "metadata": {"type": "object"},
                "spec": spec,
                "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            },
        }
    }
    group = f"{kind.group}.istio.io"
    names: Schema = {
        "kind": kind.kind,
        "listKind": f"{kind.kind}List",
        "plural": kind.plural,
        "singular": kind.kind.lower(),
        "categories": ["istio-io", f"{kind.group}-istio-io"],
    }
    if kind.short:
        names["shortNames"] = list(kind.short)
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": names,
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": version == kind.versions[0],
                    "subresources": {"status": {}},
                    "schema": schema,
                }
                for version in kind.versions
            ],
        },
    }


def structural(node: Schema, definitions: Schema) -> Schema:
    """That JSON schema as Kubernetes takes it: no `$ref`, no null, alternatives merged into one object."""
    if "$ref" in node:
        return structural(definitions[node["$ref"].rsplit("/", 1)[-1]], definitions)
    if "anyOf" in node:
        choices = [structural(choice, definitions) for choice in node["anyOf"] if choice.get("type") != "null"]
        return merged(choices)
    kept: Schema = {
        key: node[key]
        for key in (
            "type",
            "enum",
            "format",
            "minimum",
            "maximum",
            "minLength",
            "maxLength",
            "pattern",
            "minItems",
            "maxItems",
        )
        if key in node
    }
    if "enum" in kept:
        kept["enum"] = list(kept["enum"])  # a copy, else YAML would write an alias
    if "const" in node:
        kept = {"type": "string", "enum": [node["const"]]}
    if "properties" in node:
        kept["properties"] = {name: structural(value, definitions) for name, value in node["properties"].items()}
        if node.get("required"):
            kept["required"] = sorted(node["required"])
    elif isinstance(node.get("additionalProperties"), dict):
        kept["additionalProperties"] = structural(node["additionalProperties"], definitions)
    if "items" in node:
        kept["items"] = structural(node["items"], definitions)
    if "type" not in kept or (kept["type"] == "object" and not kept.keys() & {"properties", "additionalProperties"}):
        kept["x-kubernetes-preserve-unknown-fields"] = True
    return kept


def merged(choices: list[Schema]) -> Schema:
    """One schema that allows what any of the choices allows (Istio's `oneOf` groups become one object)."""
    objects = [choice for choice in choices if "properties" in choice]
    if len(choices) == 1:
        return choices[0]
    if len(objects) == len(choices):
        properties: Schema = {}
        for choice in objects:
            for name, value in choice["properties"].items():
                richer = value if len(str(value)) > len(str(properties.get(name, ""))) else properties[name]
                properties[name] = richer
        required = set.intersection(*(set(choice.get("required", ())) for choice in objects))
        return {"type": "object", "properties": properties} | ({"required": sorted(required)} if required else {})
    kinds = {choice.get("type") for choice in choices}
    if kinds == {"integer", "string"}:
        return {"x-kubernetes-int-or-string": True}
    raise ValueError(f"no structural schema allows {choices}")


def main() -> None:
    """Write one file a kind into the folder named on the command line."""
    folder = Path(sys.argv[1])
    for kind in KINDS:
        text = yaml.safe_dump(crd(kind), sort_keys=False, width=120)
        target = folder / f"{kind.group}.istio.io_{kind.plural}.yaml"
        target.write_text("# Made by tests/charts/tools/make_crds.py: see README.md here.\n" + text)


if __name__ == "__main__":
    main()
