"""The Terraform root module."""

from __future__ import annotations

import re

from mcci.network import terraform
from tests.unit.network import networks

MADE = networks.plan(networks.MADE, "admins: [192.0.2.0/24]")


def test_only_instances_to_be_made_are_made() -> None:
    """Sites with an address get no module; the made ones let the others in by their address or output."""
    main = terraform.files(MADE, "ssh-ed25519 AAAA")["main.tf"]
    assert re.findall(r'^module "(\S+)"', main, re.M) == ["aws", "azure"]
    peers = re.findall(r"peers +=( .*)", main)
    assert peers == [
        ' ["198.51.100.3/32", "${module.azure.public_address}/32"]',
        ' ["198.51.100.3/32", "${module.aws.public_address}/32"]',
    ]


def test_subnets_lie_apart_within_the_ranges() -> None:
    """Each range has a private subnet, and the instance's own subnet is in none of them."""
    aws = MADE.members[0]
    private, edge = terraform.private_subnets(aws), terraform.edge_subnet(aws)
    assert [str(each) for each in private] == ["10.1.0.0/17", "10.4.0.0/21"]
    assert str(edge) == "10.1.255.240/28"


def test_text_from_the_user_is_no_expression() -> None:
    """What Terraform would take for an interpolation is written so that it is text."""
    assert "$${file(1)}" in terraform.files(MADE, "ssh-ed25519 ${file(1)}")["main.tf"]


def test_every_argument_is_a_variable_of_the_module(infra: dict[str, str]) -> None:
    """The root module gives each module exactly the variables that have no default."""
    main = terraform.files(MADE, "key")["main.tf"]
    for cloud in ("aws", "azure"):
        block = main.partition(f'module "{cloud}"')[2].partition("\n}")[0]
        given = set(re.findall(r"^  (\w+) +=", block, re.M)) - {"source", "providers"}
        blocks = infra[f"terraform/modules/{cloud}-site/variables.tf"].split("\nvariable ")[1:]
        needed = {each.split('"')[1] for each in blocks if "default" not in each}
        assert given == needed
