"""A stub of Terraform's providers aws and azurerm, for tests: their schemas, and nothing of the clouds behind them.

`python stub_provider.py aws|azurerm`, started by Terraform. What a resource is made with is kept as it is; what its
provider would make up (an id, an address) is made up of its own name, so that plans, states and outputs are whole.
Public addresses, by name, are those in STUB_ADDRESSES.
"""

# ruff: noqa: N802 - the names of methods are the protocol's
from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import tf.provider
from tf.blocks import SetNestedBlock
from tf.gen import tfplugin_pb2 as pb
from tf.runner import run_provider
from tf.schema import Attribute, Block, Schema
from tf.types import Bool, List, Map, Number, String, Unknown
from tf.utils import read_dynamic_value, to_dynamic_value

Json = dict[str, Any]
SCHEMAS: Json = json.loads(Path(__file__).with_name("schemas.json").read_text())
SIMPLE = {"string": String, "bool": Bool, "number": Number}
PUBLIC = {"aws_eip": "public_ip", "azurerm_public_ip": "ip_address"}
# what a provider's own configuration may say, as far as the rendered code does
CONFIGURATION: Json = {
    "aws": {"arguments": {"region": "string"}},
    "azurerm": {"blocks": {"features": {"arguments": {}}}},
}


class Blocks(SetNestedBlock):  # type: ignore[misc] # the library has no types
    """Blocks in the order in which they are written."""

    def to_pb(self) -> pb.Schema.NestedBlock:
        """Return the protocol's form."""
        found = super().to_pb()
        found.nesting = pb.Schema.NestedBlock.NestingMode.LIST
        return found


class Stub:
    """A provider."""

    def __init__(self, name: str) -> None:
        self.name = name

    def get_model_prefix(self) -> str:
        return f"{self.name}_"

    def full_name(self) -> str:
        return f"registry.terraform.io/hashicorp/{self.name}"

    def get_provider_schema(self, _: object) -> Schema:
        return schema(CONFIGURATION[self.name])

    def validate_config(self, *_: object) -> None:
        pass

    def configure_provider(self, *_: object) -> None:
        pass

    def get_functions(self) -> list[Any]:
        return []

    def get_resources(self) -> list[Any]:
        return self._kinds("resource")

    def get_data_sources(self) -> list[Any]:
        return self._kinds("data")

    def _kinds(self, kind: str) -> list[Any]:
        start = f"{kind} {self.name}_"
        return [_kind(key.removeprefix(start), body) for key, body in SCHEMAS.items() if key.startswith(start)]


def _kind(name: str, body: Json) -> Any:
    return type(name, (), {"get_name": staticmethod(lambda: name), "get_schema": staticmethod(lambda: schema(body))})


def schema(body: Json) -> Schema:
    """Return a resource's schema."""
    return Schema(attributes=_attributes(body), block_types=_blocks(body))


def _attributes(body: Json) -> list[Attribute]:
    required = set(body.get("required", ())) - set(body.get("blocks", ()))
    given = [
        Attribute(name, _type(kind), required=name in required, optional=name not in required)
        for name, kind in body.get("arguments", {}).items()
        if kind is not None and name not in body.get("blocks", ())
    ]
    return given + [Attribute(name, _type(kind), computed=True) for name, kind in body.get("results", {}).items()]


def _blocks(body: Json) -> list[Blocks]:
    return [Blocks(name, Block(attributes=_attributes(inner))) for name, inner in body.get("blocks", {}).items()]


def _type(kind: Any) -> Any:
    if isinstance(kind, str):
        return SIMPLE[kind]()
    return (List if kind[0] == "list" else Map)(String())


class Servicer(tf.provider.ProviderServicer):  # type: ignore[misc] # the library has no types
    """Answers Terraform."""

    def ValidateResourceConfig(self, request: Any, context: Any) -> Any:
        return pb.ValidateResourceConfig.Response()  # Terraform itself has held it against the schema

    def ValidateDataResourceConfig(self, request: Any, context: Any) -> Any:
        return pb.ValidateDataResourceConfig.Response()

    def UpgradeResourceState(self, request: Any, context: Any) -> Any:
        return pb.UpgradeResourceState.Response(upgraded_state=to_dynamic_value(json.loads(request.raw_state.json)))

    def ReadResource(self, request: Any, context: Any) -> Any:
        return pb.ReadResource.Response(new_state=request.current_state, private=request.private)

    def ReadDataSource(self, request: Any, context: Any) -> Any:
        found = _made_up(request.type_name, read_dynamic_value(request.config), self._results("data", request))
        return pb.ReadDataSource.Response(state=to_dynamic_value(found))

    def PlanResourceChange(self, request: Any, context: Any) -> Any:
        planned = read_dynamic_value(request.proposed_new_state)
        if planned is not None and read_dynamic_value(request.prior_state) is None:
            planned |= dict.fromkeys(self._results("resource", request), Unknown)
        return pb.PlanResourceChange.Response(planned_state=to_dynamic_value(planned))

    def ApplyResourceChange(self, request: Any, context: Any) -> Any:
        made = read_dynamic_value(request.planned_state)
        if made is not None:
            made = _made_up(request.type_name, made, self._results("resource", request))
        return pb.ApplyResourceChange.Response(new_state=to_dynamic_value(made))

    def _results(self, kind: str, request: Any) -> Json:
        found: Json = SCHEMAS[f"{kind} {request.type_name}"]["results"]
        return found


def _made_up(kind: str, values: Json, results: Json) -> Json:
    """Fill in what is not known: by the resource's own values, so that the same resource has the same id."""
    mark = hashlib.sha256(repr(sorted(values.items(), key=lambda each: each[0])).encode()).hexdigest()[:8]
    fresh = {name: f"{kind}-{name}-{mark}" if kind_ == "string" else None for name, kind_ in results.items()}
    if kind in PUBLIC:
        name = values.get("name") or values["tags"]["Name"]
        fresh[PUBLIC[kind]] = json.loads(os.environ["STUB_ADDRESSES"])[name]
    return {**values, **{name: value for name, value in fresh.items() if values.get(name) in (None, Unknown)}}


if __name__ == "__main__":
    tf.provider.ProviderServicer = Servicer
    run_provider(Stub(sys.argv[1]))
