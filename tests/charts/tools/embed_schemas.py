"""Put Istio's own types into the istio chart's values.schema.json, so that Helm refuses a wrong field offline.

The parts that the chart hands through (routes, traffic policy, servers, service entries) get their schema
from charts/crds; the rest of the file is written by hand. Run after make_crds.py:

    python tests/charts/tools/embed_schemas.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.charts.tools.crds import spec_schema

TARGET = Path(__file__).parents[3] / "charts" / "istio" / "values.schema.json"

Schema = dict[str, Any]

OWN: Schema = {
    "host": {"type": "string", "minLength": 1, "description": "Host to send to, instead of the service's versions."},
    "subset": {"type": "string", "minLength": 1, "description": "One subset to send to, instead of the weights."},
    "port": {"type": "integer", "minimum": 1, "maximum": 65535, "description": "Port, where the host has several."},
}


def definitions() -> Schema:
    """The `definitions` of the istio chart's schema."""
    virtual_service = spec_schema("VirtualService")["properties"]
    http = virtual_service["http"]["items"]["properties"]
    tcp = virtual_service["tcp"]["items"]["properties"]
    service_entry = spec_schema("ServiceEntry")
    name = {"type": "string", "minLength": 1, "description": "Name of the ServiceEntry."}
    return {
        "httpRoute": _closed(OWN | http),
        "tcpRoute": _closed(OWN | tcp),
        "trafficPolicy": spec_schema("DestinationRule")["properties"]["trafficPolicy"],
        "server": spec_schema("Gateway")["properties"]["servers"]["items"],
        "serviceEntry": _closed({"name": name} | service_entry["properties"], "name", *service_entry["required"]),
    }


def _closed(properties: Schema, *required: str) -> Schema:
    schema: Schema = {"type": "object", "additionalProperties": False, "properties": properties}
    return schema | ({"required": list(required)} if required else {})


def main() -> None:
    """Rewrite the file's `definitions`."""
    schema = json.loads(TARGET.read_text(encoding="utf-8"))
    schema["definitions"] = definitions()
    TARGET.write_text(json.dumps(schema, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
