"""The plan as a Terraform root module: a module for each instance to be made, with plain values.

Each of a site's ranges becomes a range of its virtual network. The first half of it becomes a private subnet; the last
sixteen addresses of the first range are the subnet of the VPN's instance.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mcci.config.choices import Cloud

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from ipaddress import IPv4Network

    from mcci.network.plan import Member, Plan

EDGE = 28  # the prefix length of the instance's own subnet
HEADER = "# Written by `mcci network render` from mcci.yml.\n"
PROVIDERS = {
    Cloud.AWS: ("aws", "hashicorp/aws", ">= 5.0, < 7.0"),
    Cloud.AZURE: ("azurerm", "hashicorp/azurerm", ">= 4.0, < 6.0"),
}


def files(plan: Plan, public_key: str) -> dict[str, str]:
    """Return the root module's files. `public_key` is the text of the ssh key that the instances let in."""
    made = [each for each in plan.members if each.made]
    return {
        "versions.tf": HEADER + _versions(sorted({each.cloud for each in made}, key=lambda cloud: cloud.value)),
        "main.tf": HEADER + "\n".join(_main(plan, made, public_key.strip())),
        "outputs.tf": HEADER + _outputs(made),
    }


def private_subnets(member: Member) -> tuple[IPv4Network, ...]:
    """Return the private subnets: the first half of each range."""
    return tuple(next(each.subnets(prefixlen_diff=1)) for each in member.subnets)


def edge_subnet(member: Member) -> IPv4Network:
    """Return the instance's own subnet: the last /28 of the first range."""
    return list(member.subnets[0].subnets(new_prefix=EDGE))[-1]


def _versions(clouds: Sequence[Cloud]) -> str:
    wanted = "".join(
        _block(f"    {name} = ", {"source": source, "version": version}, indent=4)
        for name, source, version in (PROVIDERS[cloud] for cloud in clouds)
    )
    return f'terraform {{\n  required_version = ">= 1.5"\n\n  required_providers {{\n{wanted}  }}\n}}\n'


def _main(plan: Plan, made: Sequence[Member], public_key: str) -> Iterator[str]:
    regions = dict.fromkeys(each.region for each in made if each.cloud is Cloud.AWS)
    for region in regions:
        yield _block('provider "aws" ', {"alias": _alias(region), "region": region})
    if any(each.cloud is Cloud.AZURE for each in made):
        yield 'provider "azurerm" {\n  features {}\n}\n'
    for each in made:
        yield _module(plan, each, public_key)


def _module(plan: Plan, member: Member, public_key: str) -> str:
    """A module's call. Peers that are there already are named by address, those that are made by their output."""
    others = [each for each in plan.members if each is not member]
    known = [json.dumps(f"{each.address}/32") for each in others if not each.made and _is_address(each.address)]
    made = [f'"${{module.{each.name}.public_address}}/32"' for each in others if each.made]
    # a peer known by a name alone may come from anywhere: its certificate is what counts
    anywhere = any(not each.made and not _is_address(each.address) for each in others)
    first, last = plan.ports(member)
    aws = member.cloud is Cloud.AWS
    arguments: dict[str, object] = {"source": f"./modules/{member.cloud.value}-site"}
    if aws:
        arguments["providers"] = _Raw(f"{{ aws = aws.{_alias(member.region)} }}")
    arguments |= {
        "name": f"vpn-{member.name}",
        **({} if aws else {"location": member.region}),
        "ranges": [str(each) for each in member.subnets],
        "private_subnets": [str(each) for each in private_subnets(member)],
        "edge_subnet": str(edge_subnet(member)),
        "advertised_ranges": [str(each) for each in member.networks],
        "remote_ranges": [str(plan.tunnels_range), *(str(net) for each in others for net in each.networks)],
        "peers": ["0.0.0.0/0"] if anywhere else _Raw(f"[{', '.join(known + made)}]"),
        "first_port": first,
        "last_port": last,
        "admin_ranges": list(plan.admins),
        "public_key": public_key,
    }
    return _block(f'module "{member.name}" ', arguments)


def _outputs(made: Sequence[Member]) -> str:
    lines = "".join(
        f"    {each.name:{max(len(one.name) for one in made)}} = module.{each.name}.public_address\n" for each in made
    )
    return (
        'output "addresses" {\n  description = "The public address of each site\'s instance."\n'
        f"  value = {{\n{lines}  }}\n}}\n"
    )


class _Raw(str):
    """An expression, written as it is."""

    __slots__ = ()


def _block(head: str, arguments: dict[str, object], indent: int = 0) -> str:
    """Return a block as `terraform fmt` writes it: the signs of equality in a column."""
    width = max(map(len, arguments))
    pad = " " * indent
    lines = "".join(f"{pad}  {key:{width}} = {_value(value)}\n" for key, value in arguments.items())
    return f"{head}{{\n{lines}{pad}}}\n"


def _value(value: object) -> str:
    if isinstance(value, _Raw):
        return str(value)
    return json.dumps(value).replace("${", "$${").replace("%{", "%%{")


def _alias(region: str) -> str:
    return region.replace("-", "_")


def _is_address(text: str) -> bool:
    from ipaddress import IPv4Address

    try:
        IPv4Address(text)
    except ValueError:
        return False
    return True
