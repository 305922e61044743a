"""What is refused before anything is made."""

from __future__ import annotations

import pytest

from mcci.errors import InvalidInput
from mcci.network import rules
from tests.unit.network import networks

CA = "\n    a: {address: 192.0.2.1, subnets: [10.1.0.0/16], role: ca}\n"


def found(sites: str, *lines: str) -> list[str]:
    """Return the findings' messages."""
    return [each.message for each in rules.check(networks.network(sites, *lines))]


def test_good_networks_have_no_finding() -> None:
    """The networks that the other tests use are accepted."""
    assert found(networks.SITES) == []
    assert found(networks.MADE, "public_key: id.pub", "admins: [192.0.2.0/24]") == []


@pytest.mark.parametrize("text", ["8.8.8.0/24", "172.32.0.0/16", "10.0.0.0/7", "192.0.0.0/8"])
def test_a_public_range_is_no_private_subnet(text: str) -> None:
    """A range that others own, or that reaches out of the private ones, is refused where it stands."""
    sites = "\n    a: {address: 192.0.2.1, subnets: [100.64.0.0/16], role: ca}\n"
    network = networks.network(
        f"{sites}    b: {{address: b.example.com, subnets: [{text}]}}\n", "tunnels: 172.16.0.0/16"
    )
    findings = rules.check(network)
    assert [each.message.partition(" of ")[0] for each in findings] == [text]
    assert findings[0].position.line == 8


@pytest.mark.parametrize(
    ("sites", "words"),
    [
        (CA + "    b: {address: 192.0.2.2, subnets: [10.1.128.0/17]}\n", "overlaps"),
        (CA + "    b: {address: 192.0.2.2, subnets: [10.2.0.0/16], role: ca}\n", "one site must have the role 'ca'"),
        (CA.replace(", role: ca", ""), "one site must have the role 'ca'"),
    ],
)
def test_reading_refuses_overlaps_and_authorities(sites: str, words: str) -> None:
    """Overlapping networks, two signing sites and none are refused as mcci.yml is read."""
    with pytest.raises(InvalidInput, match=words):
        networks.network(sites)


@pytest.mark.parametrize(
    ("sites", "words"),
    [
        (CA, "joins two sites"),
        (CA + "    b: {address: 192.0.2.2}\n", "no 'subnets'"),
        (CA + "    b: {address: 192.0.2.2, subnets: ['fd00::/48']}\n", "IPv6"),
        (CA + "    b: {address: 192.0.2.2, subnets: [10.2.0.0/16], number: 1}\n", "same number 1"),
        (CA + "    b: {address: 192.0.2.2, subnets: [10.255.1.0/24]}\n", "the tunnels' own range"),
        (CA + "    b: {cloud: gcp, subnets: [10.2.0.0/16]}\n", "aws and azure alone"),
        (CA + "    b: {cloud: aws, subnets: [10.2.0.0/16]}\n", "nor a 'region'"),
        (CA + "    b: {cloud: aws, region: r, subnets: [10.64.0.0/10]}\n", "virtual network"),
        (CA + "    b: {cloud: aws, region: r, subnets: [10.2.0.0/16]}\n", "'public_key' does not say"),
        (CA.replace("role: ca", "role: ca, revoked: true"), "cannot be revoked"),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_refused(sites: str, words: str) -> None:
    """Each has a finding that says why."""
    assert any(words in each for each in found(sites)), found(sites)


def test_the_tunnels_range_must_have_room() -> None:
    """A /23 has room for one site."""
    assert any("room for the sites 1 to 1" in each for each in found(networks.SITES, "tunnels: 10.255.0.0/23"))
    assert any("no private IPv4 range" in each for each in found(networks.SITES, "tunnels: 192.0.2.0/24"))
