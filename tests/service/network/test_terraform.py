"""The Terraform code has the arguments that the providers publish, and what makes an instance a router."""

from __future__ import annotations

import json
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
