"""The plan as Ansible's inventory: the hosts, what holds for all, and each site's tunnels and routes.

Networks are written `ADDRESS/NETMASK` where OpenVPN reads them, CIDR where bird and nftables do.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from mcci.config.choices import Cloud, NetworkMode

if TYPE_CHECKING:
    from collections.abc import Mapping
    from ipaddress import IPv4Network

    from mcci.network.plan import Member, Plan, Tunnel

Variables = dict[str, Any]

ADDRESSES = "inventory/terraform.yml"  # written by `mcci network apply`: what Terraform made
USERS = {Cloud.AWS: "admin", Cloud.AZURE: "mcci"}  # the image's own user (aws: Debian), or the one that Terraform names
HEADER = "# Written by `mcci network render` from mcci.yml.\n"


def files(plan: Plan) -> dict[str, str]:
    """Return the inventory's files by path below Ansible's folder."""
    hosts = {"all": {"children": {"vpn": {"hosts": {each.name: _host(each) for each in plan.members}}}}}
    found = {"inventory/hosts.yml": hosts, "inventory/group_vars/all.yml": _common(plan)}
    found |= {f"inventory/host_vars/{each.name}.yml": _site(plan, each) for each in plan.members}
    return {path: HEADER + _yaml(body) for path, body in found.items()}


def addresses(found: Mapping[str, str]) -> str:
    """Return the inventory file with the public addresses that Terraform made, by site."""
    hosts = {name: {"ansible_host": address, "vpn_address": address} for name, address in sorted(found.items())}
    return "# Written by `mcci network apply`: what Terraform made.\n" + _yaml({"all": {"hosts": hosts}})


def _host(member: Member) -> Variables:
    address = {} if member.made else {"ansible_host": member.address, "vpn_address": member.address}
    user = member.user or USERS.get(member.cloud, "")
    return address | ({"ansible_user": user} if user else {})


def _common(plan: Plan) -> Variables:
    return {
        "vpn_mode": plan.mode.value,
        "vpn_authority": plan.authority.name,
        "vpn_members": [each.name for each in plan.members],
        "vpn_tunnels": str(plan.tunnels_range),
        "vpn_admins": list(plan.admins),
    }


def _site(plan: Plan, member: Member) -> Variables:
    others = [each for each in plan.members if each is not member]
    served = [each for each in plan.tunnels if each.server == member.name]
    mesh = plan.mode is NetworkMode.FULL_MESH
    return {
        "vpn_router_id": str(plan.server_network(member)[1]),
        "vpn_cidrs": [str(each) for each in member.networks],
        "vpn_probes": list(member.probes),
        "vpn_peers": [{"name": each.name, "cidrs": [str(net) for net in each.networks]} for each in others],
        "vpn_servers": [_mesh_server(plan, member, served)] if mesh else [_pair_server(plan, each) for each in served],
        "vpn_clients": [_client(plan, each) for each in plan.tunnels if each.client == member.name],
    }


def _mesh_server(plan: Plan, member: Member, served: list[Tunnel]) -> Variables:
    return {
        "name": "mcci",
        "port": plan.port,
        "device": served[0].server_device,
        "network": _masked(plan.server_network(member)),
        "clients": [_served(plan, each) for each in served],
        "routes": _routes(plan, member.name, served[0].server_device),
    }


def _pair_server(plan: Plan, tunnel: Tunnel) -> Variables:
    return {
        "name": f"mcci-{tunnel.client}",
        "port": tunnel.port,
        "device": tunnel.server_device,
        "address": str(tunnel.server_address),
        "clients": [_served(plan, tunnel)],
    }


def _served(plan: Plan, tunnel: Tunnel) -> Variables:
    client = next(each for each in plan.members if each.name == tunnel.client)
    networks = [_masked(each) for each in client.networks]
    return {"name": tunnel.client, "address": str(tunnel.client_address), "networks": networks}


def _client(plan: Plan, tunnel: Tunnel) -> Variables:
    return {
        "name": f"mcci-{tunnel.server}",
        "server": tunnel.server,
        "port": tunnel.port,
        "device": tunnel.client_device,
        "address": str(tunnel.client_address),
        "server_address": str(tunnel.server_address),
        "routes": _routes(plan, tunnel.client, tunnel.client_device),
    }


def _routes(plan: Plan, site: str, device: str) -> list[Variables]:
    found = [each for each in plan.routes if (each.site, each.device) == (site, device)]
    return [{"network": _masked(each.network), "metric": each.metric} for each in found]


def _masked(network: IPv4Network) -> str:
    return network.with_netmask


def _yaml(body: Any) -> str:
    import yaml

    text = io.StringIO()
    yaml.safe_dump(body, text, sort_keys=False, width=120)
    return text.getvalue()
