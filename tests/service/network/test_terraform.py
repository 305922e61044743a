"""The Terraform code has the arguments that the providers publish, and what makes an instance a router."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.service.network.modules import META, MODULES, resources

SCHEMAS = json.loads(Path(__file__).with_name("schemas.json").read_text())


@pytest.mark.parametrize("site", ["aws-site", "azure-site"])
def test_arguments_are_the_providers_own(site: str) -> None:
    """Every resource has only arguments and blocks that its provider knows, and all that it requires."""
    wrong = []
    found = resources(MODULES / site)
    for each in found:
        schema = SCHEMAS[each.key]
        given = each.arguments - META
        wrong += [f"{each.key}: {name} is unknown" for name in (given | set(each.blocks)) - set(schema["arguments"])]
        wrong += [f"{each.key}: {name} is missing" for name in set(schema["required"]) - given - set(each.blocks)]
        for block, several in each.blocks.items():
            inner = schema["blocks"][block]
            for one in several:
                wrong += [f"{each.key}: {block}: {name} is unknown" for name in one - set(inner["arguments"])]
                wrong += [f"{each.key}: {block}: {name} is missing" for name in set(inner["required"]) - one]
    assert wrong == []
    assert len(found) > 10


def test_what_makes_an_instance_a_router_is_set() -> None:
    """Clouds drop what an instance passes on, until they are told not to."""
    assert "source_dest_check = false" in (MODULES / "aws-site/instance.tf").read_text()
    assert "ip_forwarding_enabled = true" in (MODULES / "azure-site/instance.tf").read_text()


def test_modules_of_all_clouds_are_called_alike() -> None:
    """What the modules have in common is declared in the same words: Terraform has no way to share declarations."""
    aws, azure = (_variables(MODULES / f"{cloud}-site/variables.tf") for cloud in ("aws", "azure"))
    assert set(aws) - set(azure) == {"instance_type"}
    assert set(azure) - set(aws) == {"location", "instance_size"}
    assert [name for name in set(aws) & set(azure) if aws[name] != azure[name]] == []
    outputs = [(MODULES / f"{cloud}-site/outputs.tf").read_text() for cloud in ("aws", "azure")]
    assert len({tuple(re.findall(r'output "(\w+)"', text)) for text in outputs}) == 1


def _variables(file: Path) -> dict[str, str]:
    """Return a module's variables by name, as they are declared."""
    return {block.partition('"')[0]: block for block in file.read_text().split('variable "')[1:]}
