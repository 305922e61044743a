"""From sites to tunnels, addresses and routes."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from mcci.config.choices import NetworkMode
from mcci.network.plan import Plan
from tests.unit.network import networks


def many(count: int, mode: str) -> Plan:
    """Return the plan of so many sites."""
    lines = [f"\n    s{n}: {{address: s{n}.example.com, subnets: [10.{n}.0.0/16]}}" for n in range(1, count + 1)]
    sites = "".join(lines).replace("}", ", role: ca}", 1)
    return networks.plan(sites + "\n", f"mode: {mode}")


def test_full_mesh_joins_each_pair_by_two_tunnels() -> None:
    """Each of two sites has begun one of the two tunnels between them."""
    plan = networks.plan()
    begun = {(each.client, each.server) for each in plan.tunnels}
    assert begun == {(one.name, other.name) for one, other in plan.pairs}
    assert len(plan.tunnels) == 6


def test_resilient_joins_each_pair_by_one_tunnel() -> None:
    """The site with the higher number begins the one tunnel of a pair, to a port of its own."""
    plan = networks.plan(networks.SITES, "mode: resilient", "port: 2000")
    assert [(each.client, each.server, each.port) for each in plan.tunnels] == [
        ("azure", "aws", 2002), ("gcp", "aws", 2003), ("gcp", "azure", 2003),
    ]  # fmt: skip
    assert plan.routes == ()


def test_a_site_prefers_the_tunnel_that_it_began() -> None:
    """Every network of every other site has two routes: by the own tunnel at 100, by the other's at 200."""
    plan = networks.plan()
    routes = {(str(each.network), each.device, each.metric) for each in plan.routes if each.site == "azure"}
    assert routes == {
        ("10.1.0.0/16", "vpn1", 100), ("10.1.0.0/16", "vpn0", 200),
        ("10.11.0.0/16", "vpn1", 100), ("10.11.0.0/16", "vpn0", 200),
        ("10.3.0.0/16", "vpn3", 100), ("10.3.0.0/16", "vpn0", 200),
    }  # fmt: skip


@given(count=st.integers(2, 40), mode=st.sampled_from([each.value for each in NetworkMode]))
def test_addresses_devices_and_ports_are_distinct(count: int, mode: str) -> None:
    """However many sites: no end's address twice but a mesh server's, no device and no port twice at a site."""
    plan = many(count, mode)
    assert {frozenset((each.client, each.server)) for each in plan.tunnels} == {
        frozenset(pair) for pair in combinations((each.name for each in plan.members), 2)
    }
    clients = [each.client_address for each in plan.tunnels]
    servers = {(each.server, each.server_address) for each in plan.tunnels}
    addresses = clients + [address for _, address in servers]
    assert len(set(addresses)) == len(addresses)
    assert all(address in plan.tunnels_range for address in addresses)
    for member in plan.members:
        devices = [each.client_device for each in plan.tunnels if each.client == member.name]
        served = {(each.server_device, each.port) for each in plan.tunnels if each.server == member.name}
        assert len({*devices, *(device for device, _ in served)}) == len(devices) + len(served)
        assert len({port for _, port in served}) == len(served)


def test_taking_a_site_out_leaves_the_others_addresses() -> None:
    """A revoked site has no tunnel any more, and its number stays taken: nobody else's address changes."""
    before = networks.plan()
    after = networks.plan(networks.SITES.replace("azure: {", "azure: {revoked: true, "))
    assert [each.name for each in after.members] == ["aws", "gcp"]
    assert set(after.tunnels) == {each for each in before.tunnels if "azure" not in (each.client, each.server)}


def test_ports_are_those_that_the_firewall_must_let_in() -> None:
    """Full mesh needs one port a site; resilient from the first later site's to the last's."""
    mesh, resilient = networks.plan(), networks.plan(networks.SITES, "mode: resilient")
    assert [mesh.ports(each) for each in mesh.members] == [(1194, 1194)] * 3
    assert resilient.ports(resilient.members[0]) == (1196, 1197)
