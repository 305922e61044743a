"""Makes `mcci/lab/clusters/schemas/kinds.json`: the OpenAPI schemas of the built-in kinds that the lab serves.

    python tests/tools/make_cluster_schemas.py

From PyPI's `kubernetes-validate` (Apache-2.0), which carries the schemas of every Kubernetes version, with how lists
merge; the lab needs 2 % of its 100 MB, so it keeps those and not the package. Descriptions are left out.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.resources import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = "1.34.0"
TARGET = Path(__file__).parents[2] / "mcci" / "lab" / "clusters" / "schemas" / "kinds.json"
SCALARS: dict[str, dict[str, Any]] = {
    "Quantity": {"type": ["string", "number"], "format": "quantity"},
    "IntOrString": {"type": ["string", "integer"]},
    "MicroTime": {"type": "string", "format": "micro-time"},
}


def main() -> int:
    """Write the file."""
    definitions = _definitions()
    served = {(resource.group, version, resource.kind) for resource in BUILT_IN for version in resource.versions}
    wanted = [name for name, node in definitions.items() if served & set(_kinds(node))]
    kept: dict[str, Any] = {}
    while wanted:
        name = wanted.pop()
        if name not in kept:
            kept[name] = _scalar(name) or _slim(definitions[name])
            wanted.extend(_references(kept[name]))
    text = json.dumps({"version": VERSION, "definitions": kept}, sort_keys=True, separators=(",", ":"))
    TARGET.write_text(text.replace('},"io.k8s', '},\n"io.k8s') + "\n", "utf-8")
    sys.stdout.write(f"{TARGET.name}: {len(kept)} definitions\n")
    return 0


def _definitions() -> dict[str, Any]:
    found = importlib.util.find_spec("kubernetes_validate")
    assert found is not None
    assert found.origin is not None
    folder = Path(found.origin).parent / "kubernetes-json-schema" / f"v{VERSION}-local"
    definitions: dict[str, Any] = json.loads((folder / "_definitions.json").read_text("utf-8"))["$defs"]
    return definitions


def _kinds(node: Any) -> Iterator[tuple[str, str, str]]:
    for kind in node.get("x-kubernetes-group-version-kind", ()):
        yield kind["group"], kind["version"], kind["kind"]


def _scalar(name: str) -> dict[str, Any] | None:
    return SCALARS.get(name.rpartition(".")[2])


def _slim(node: Any, *, fields: bool = False) -> Any:
    """Leave out descriptions, and `null` as a type: a null field is as good as none, which the lab does before."""
    if isinstance(node, list):
        return [_slim(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {
        key: _slim(value, fields=key == "properties" and not fields)
        for key, value in node.items()
        if fields or key != "description"
    }
    if isinstance(kept.get("type"), list) and not fields:
        kept["type"] = next(kind for kind in kept["type"] if kind != "null")
    if isinstance(kept.get("$ref"), str):
        kept["$ref"] = kept["$ref"].rpartition("/")[2]
    return kept


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for item in node:
            yield from _references(item)


if __name__ == "__main__":
    sys.exit(main())
