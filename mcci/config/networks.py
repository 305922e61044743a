"""Ranges of addresses, of either version."""

from __future__ import annotations

import ipaddress

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def network(text: str) -> Network | None:
    """Return the network that a CIDR writes; None for empty text and for what is none."""
    try:
        return ipaddress.ip_network(text) if text else None
    except ValueError:
        return None


def overlap(one: Network, other: Network) -> bool:
    """Say whether two networks share an address."""
    return one.version == other.version and one.overlaps(other)


def inside(one: Network, other: Network) -> bool:
    """Say whether every address of `one` is one of `other`."""
    if isinstance(one, ipaddress.IPv4Network):
        return isinstance(other, ipaddress.IPv4Network) and one.subnet_of(other)
    return isinstance(other, ipaddress.IPv6Network) and one.subnet_of(other)
