"""The Terraform code: formatted as `terraform fmt` does, and with arguments that the providers publish."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from mcci.config.load import load
from mcci.network import plan, render, shipped
from tests.service.network.modules import META, MODULES, resources

SCHEMAS = json.loads(Path(__file__).with_name("schemas.json").read_text())
CONFIG = b"""\
version: 1
application: shop
services: {cart: {}}
network:
  mode: resilient
  admins: [198.51.100.0/24]
  public_key: key.pub
  sites:
    aws: {cloud: aws, region: eu-south-1, subnets: [10.1.0.0/16, 10.4.0.0/20], role: ca}
    aws-us: {cloud: aws, region: us-east-1, subnets: [10.5.0.0/16]}
    azure: {cloud: azure, region: westeurope, subnets: [10.2.0.0/16], pods: 10.12.0.0/16}
    gcp: {cloud: gcp, address: 198.51.100.3, subnets: [10.3.0.0/16]}
"""


@pytest.mark.parametrize("site", ["aws-site", "azure-site"])
def test_arguments_are_the_providers_own(site: str) -> None:
    """Every resource has only arguments and blocks that its provider knows, and all that it requires."""
    wrong = []
    found = resources(MODULES / site)
    for each in found:
        schema = SCHEMAS[each.key]
        given = each.arguments - META
        wrong += [f"{each.key}: {name} is unknown" for name in (given | set(each.blocks)) - set(schema["known"])]
        wrong += [f"{each.key}: {name} is missing" for name in set(schema["required"]) - given - set(each.blocks)]
        for block, several in each.blocks.items():
            inner = schema["blocks"][block]
            for one in several:
                wrong += [f"{each.key}: {block}: {name} is unknown" for name in one - set(inner["known"])]
                wrong += [f"{each.key}: {block}: {name} is missing" for name in set(inner["required"]) - one]
    assert wrong == []
    assert len(found) > 10


def test_what_makes_an_instance_a_router_is_set() -> None:
    """Clouds drop what an instance passes on, until they are told not to."""
    assert "source_dest_check = false" in (MODULES / "aws-site/instance.tf").read_text()
    assert "ip_forwarding_enabled = true" in (MODULES / "azure-site/instance.tf").read_text()


def formatted(tmp_path: Path) -> None:
    """`terraform fmt -check` finds nothing to change, in the modules and in the root module."""
    texts = render.render(plan.plan(load(CONFIG).network), shipped.packaged(), "ssh-ed25519 AAAA me")
    for path, text in texts.items():
        if path.startswith("terraform/"):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
    done = subprocess.run(
        ["terraform", "fmt", "-check", "-recursive", "-diff", str(tmp_path)], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "")


if shutil.which("terraform"):  # no registry that CI reaches has it: there is nothing to install, and nothing to skip

    def test_the_rendered_code_is_formatted(tmp_path: Path) -> None:
        """`terraform fmt -check` finds nothing to change, in the modules and in the root module."""
        formatted(tmp_path)
