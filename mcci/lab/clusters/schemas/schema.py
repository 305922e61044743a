"""One node of a kind's schema, as validation, patches and field ownership ask it."""

from __future__ import annotations

import json
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

Node = dict[str, Any]

# What Kubernetes' schema says with a default that the OpenAPI of clients leaves out: a port's key is complete so.
KEY_DEFAULTS = {"protocol": "TCP"}


class Schema:
    """A node; `$ref` is followed. An absent schema is one that knows nothing: every field may be there.

    What is asked once is remembered: each write walks through the schema several times.
    """

    def __init__(self, node: Node, definitions: Node) -> None:
        """Read a node whose references lead into these definitions."""
        self.node = node
        self.definitions = definitions
        self._fields: dict[str, Schema] = {}

    @cached_property
    def type(self) -> str:
        """`object`, `array`, `string`, `integer`, `number`, `boolean`, or empty where it is not said."""
        kind = self.node.get("type", "")
        return kind if isinstance(kind, str) else ""

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """The fields that an object may have by name."""
        return tuple(self.node.get("properties", ()))

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The fields that must be there."""
        return tuple(self.node.get("required", ()))

    @cached_property
    def open(self) -> bool:
        """Whether fields that the schema does not name are kept."""
        if self.node.get("x-kubernetes-preserve-unknown-fields"):
            return True
        return "properties" not in self.node and "additionalProperties" not in self.node

    @cached_property
    def int_or_string(self) -> bool:
        """Whether a number does as well as a string."""
        return bool(self.node.get("x-kubernetes-int-or-string")) or isinstance(self.node.get("type"), list)

    @cached_property
    def atomic(self) -> bool:
        """Whether the node has one owner as a whole."""
        if self.type == "array":
            return bool(self.node.get("x-kubernetes-list-type", "atomic") == "atomic")
        return bool(self.node.get("x-kubernetes-map-type") == "atomic")

    @cached_property
    def map_keys(self) -> tuple[str, ...]:
        """The fields by which server-side apply tells a list's items apart; empty where it does not."""
        if self.node.get("x-kubernetes-list-type") != "map":
            return ()
        return tuple(self.node.get("x-kubernetes-list-map-keys", ()))

    @cached_property
    def is_set(self) -> bool:
        """Whether a list's items are its keys."""
        return self.node.get("x-kubernetes-list-type") == "set"

    @cached_property
    def merge_key(self) -> str:
        """The field by which a strategic merge tells a list's items apart; empty where it has none."""
        key: str = self.node.get("x-kubernetes-patch-merge-key", "")
        return key

    @cached_property
    def strategies(self) -> tuple[str, ...]:
        """What a strategic merge does here: `merge`, `replace`, `retainKeys`."""
        return tuple(self.node.get("x-kubernetes-patch-strategy", "").split(","))

    @cached_property
    def items(self) -> Schema:
        """The schema of a list's items."""
        return self._child(self.node.get("items"))

    def named(self, name: str) -> bool:
        """Whether the field is one of the schema's own, not just any key of a map."""
        return name in self.node.get("properties", ())

    def field(self, name: str) -> Schema:
        """The schema of a field: its own, else that of every other key."""
        found = self._fields.get(name)
        if found is None:
            properties = self.node.get("properties", {})
            if name not in properties:
                return self._others
            found = self._fields[name] = self._child(properties[name])
        return found

    def knows(self, name: str) -> bool:
        """Whether the field may be there."""
        return self.open or self.named(name) or bool(self.node.get("additionalProperties"))

    @cached_property
    def _others(self) -> Schema:
        return self._child(self.node.get("additionalProperties"))

    def _child(self, node: object) -> Schema:
        if not isinstance(node, dict):
            return UNKNOWN
        if "$ref" in node:
            # What stands beside the reference (how a list merges, for one) holds here.
            node = {**self.definitions.get(node["$ref"], {}), **{key: node[key] for key in node if key != "$ref"}}
        return Schema(node, self.definitions)


UNKNOWN = Schema({}, {})


@cache
def _definitions() -> Node:
    text = files("mcci.lab.clusters.schemas").joinpath("kinds.json").read_text("utf-8")
    definitions: Node = json.loads(text)["definitions"]
    return definitions


@cache
def built_in(group: str, version: str, kind: str) -> Schema:
    """Return the schema of a built-in kind; UNKNOWN where there is none."""
    wanted = {"group": group, "version": version, "kind": kind}
    for node in _definitions().values():
        if wanted in node.get("x-kubernetes-group-version-kind", ()):
            return Schema(node, _definitions())
    return UNKNOWN


def of_definition(definition: Node, version: str) -> Schema:
    """Return the schema that a CustomResourceDefinition gives for a version, with Kubernetes' own metadata."""
    for served in definition["spec"]["versions"]:
        if served["name"] == version and "schema" in served:
            root = dict(served["schema"]["openAPIV3Schema"])
            metadata = {"$ref": "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}
            text = {"type": "string"}
            root["properties"] = {"apiVersion": text, "kind": text, **root.get("properties", {}), "metadata": metadata}
            return Schema(root, _definitions())
    return UNKNOWN
