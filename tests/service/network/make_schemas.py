"""Write what Terraform's providers publish of the resources that `infra/terraform` uses into `schemas.json`.

`python tests/service/network/make_schemas.py AWS_WHEEL AZURERM_WHEEL`: the wheels of cdktn-provider-aws and
cdktn-provider-azurerm (PyPI), which are generated from the providers' own schemas. Nothing of them is run.

An attribute's type is written as Terraform's protocol writes it (`"string"`, `["list", "string"]`), `null` for a block
that the modules do not use. The wheels do not tell a set from a list: both are lists here.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.service.network.modules import META, MODULES, Block, resources

TARGET = Path(__file__).with_name("schemas.json")
OWN = {"scope", "id", "id_", "connection", "provisioners", "lifecycle"} | META  # of the bindings, or Terraform's
TYPES = {
    "builtins.str": "string", "builtins.bool": "bool", "jsii.Number": "number",
    "typing.Sequence[builtins.str]": ["list", "string"], "typing.List[builtins.str]": ["list", "string"],
    "typing.Mapping[builtins.str, builtins.str]": ["map", "string"],
}  # fmt: skip


def main() -> None:
    """Read the wheels named on the command line, the AWS one first."""
    found: dict[str, Any] = {}
    for provider, wheel in zip(("aws", "azurerm"), sys.argv[1:], strict=True):
        with zipfile.ZipFile(wheel) as archive:
            for block in resources(MODULES / f"{provider.removesuffix('rm')}-site"):
                tree, text = _module(archive, provider, block)
                found[provider] = re.findall(rf"providers/hashicorp/{provider}/([\d.]+)/", text)[0]
                found[block.key] = _schema(tree, provider, block)
    lines = [f" {json.dumps(key)}: {json.dumps(found[key])}" for key in sorted(found)]
    TARGET.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def _module(archive: zipfile.ZipFile, provider: str, block: Block) -> tuple[ast.Module, str]:
    short = block.type.removeprefix(f"{provider}_")
    data = block.kind == "data"
    name = f"cdktn_provider_{provider}/{f'data_{provider}_' if data else ''}{short}/__init__.py"
    text = archive.read(name).decode()
    return ast.parse(text), text


def _schema(tree: ast.Module, provider: str, block: Block) -> dict[str, object]:
    short = block.type.removeprefix(f"{provider}_")
    owner = (f"Data{_camel(provider)}" if block.kind == "data" else "") + _camel(short)
    arguments, required = _arguments(tree, owner)
    nested = {}
    for each in block.blocks:
        inner = _arguments(tree, owner + _camel(each))
        nested[each] = {"arguments": inner[0], "required": inner[1]}
    results = {name: kind for name, kind in _results(tree, owner).items() if name not in arguments and kind}
    return {"arguments": arguments, "required": required, "results": results | {"id": "string"}, "blocks": nested}


def _arguments(tree: ast.Module, name: str) -> tuple[dict[str, object], list[str]]:
    """Return what may be given, with its type, and the names of what must be."""
    init = next(
        each for each in _class(tree, name).body if isinstance(each, ast.FunctionDef) and each.name == "__init__"
    )
    kept = [
        (argument, default)
        for argument, default in zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True)
        if argument.arg not in OWN
    ]
    return {each.arg: _type(each.annotation) for each, _ in kept}, [
        each.arg for each, default in kept if default is None
    ]


def _results(tree: ast.Module, name: str) -> dict[str, object]:
    """Return what can be read, with its type."""
    found = [each for each in _class(tree, name).body if isinstance(each, ast.FunctionDef) and each.returns is not None]
    return {
        each.name: _type(each.returns)
        for each in found
        if any(ast.unparse(mark) == "builtins.property" for mark in each.decorator_list)
        and not each.name.endswith("_input")
    }


def _class(tree: ast.Module, name: str) -> ast.ClassDef:
    return next(each for each in tree.body if isinstance(each, ast.ClassDef) and each.name == name)


def _type(annotation: ast.expr | None) -> object:
    assert annotation is not None
    text = ast.unparse(annotation)
    if text.startswith("typing.Optional["):
        text = text.removeprefix("typing.Optional[").removesuffix("]")
    first = text.removeprefix("typing.Union[")  # a value, or a reference to one
    return next((kind for name, kind in TYPES.items() if text == name or first.startswith(f"{name}, ")), None)


def _camel(text: str) -> str:
    return "".join(part.capitalize() for part in text.split("_"))


if __name__ == "__main__":
    main()
