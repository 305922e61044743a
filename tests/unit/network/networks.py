"""Networks to test with, written as people write them."""

from __future__ import annotations

from mcci.config.clouds import Network
from mcci.config.load import load
from mcci.network import plan as planning
from mcci.network.plan import Plan

SITES = """
    aws: {cloud: aws, address: 198.51.100.1, subnets: [10.1.0.0/16], pods: 10.11.0.0/16, role: ca}
    azure: {cloud: azure, address: vpn.example.com, subnets: [10.2.0.0/16]}
    gcp: {cloud: gcp, address: 198.51.100.3, subnets: [10.3.0.0/16]}
"""
MADE = """
    aws: {cloud: aws, region: eu-south-1, subnets: [10.1.0.0/16, 10.4.0.0/20], role: ca}
    azure: {cloud: azure, region: westeurope, subnets: [10.2.0.0/16]}
    gcp: {cloud: gcp, address: 198.51.100.3, subnets: [10.3.0.0/16]}
"""


def network(sites: str = SITES, *lines: str) -> Network:
    """Return the network with these sites and further keys."""
    keys = "".join(f"  {line}\n" for line in lines)
    text = f"version: 1\napplication: shop\nservices: {{cart: {{}}}}\nnetwork:\n{keys}  sites:{sites}"
    return load(text.encode()).network


def plan(sites: str = SITES, *lines: str) -> Plan:
    """Return the plan of such a network."""
    return planning.plan(network(sites, *lines))
