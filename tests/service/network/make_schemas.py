"""Write what Terraform's providers publish of the resources that `infra/terraform` uses into `schemas.json`.

`python tests/service/network/make_schemas.py AWS_WHEEL AZURERM_WHEEL`: the wheels of cdktn-provider-aws and
cdktn-provider-azurerm (PyPI), which are generated from the providers' own schemas. Nothing of them is run.
"""

from __future__ import annotations

import ast
import json
import sys
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.service.network.modules import MODULES, Block, resources

TARGET = Path(__file__).with_name("schemas.json")
OWN = {"scope", "id", "id_"}  # of the bindings, not of the resource


def main() -> None:
    """Read the wheels named on the command line, the AWS one first."""
    found = {}
    for provider, wheel in zip(("aws", "azurerm"), sys.argv[1:], strict=True):
        with zipfile.ZipFile(wheel) as archive:
            for block in resources(MODULES / f"{provider.removesuffix('rm')}-site"):
                found[block.key] = _schema(archive, provider, block)
    TARGET.write_text(json.dumps(dict(sorted(found.items())), indent=1) + "\n")


def _schema(archive: zipfile.ZipFile, provider: str, block: Block) -> dict[str, object]:
    short = block.type.removeprefix(f"{provider}_")
    data = block.kind == "data"
    name = f"cdktn_provider_{provider}/{f'data_{provider}_' if data else ''}{short}/__init__.py"
    tree = ast.parse(archive.read(name))
    owner = (f"Data{_camel(provider)}" if data else "") + _camel(short)
    arguments = _arguments(tree, owner)
    nested = {each: _arguments(tree, owner + _camel(each)) for each in block.blocks}
    return {**arguments, "blocks": nested}


def _arguments(tree: ast.Module, name: str) -> dict[str, list[str]]:
    owner = next(each for each in tree.body if isinstance(each, ast.ClassDef) and each.name == name)
    init = next(each for each in owner.body if isinstance(each, ast.FunctionDef) and each.name == "__init__")
    pairs = list(zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True))
    known = {argument.arg for argument, _ in pairs} - OWN
    required = {argument.arg for argument, default in pairs if default is None} - OWN
    return {"known": sorted(known), "required": sorted(required)}


def _camel(text: str) -> str:
    return "".join(part.capitalize() for part in text.split("_"))


if __name__ == "__main__":
    main()
