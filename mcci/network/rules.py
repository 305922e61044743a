"""What a network must be before anything is made of it, beyond what reading `mcci.yml` already refuses.

Reading refuses overlapping networks, and any number of signing sites but one.
"""

from __future__ import annotations

from ipaddress import IPv4Network, ip_network
from typing import TYPE_CHECKING

from mcci.config.choices import Cloud, SiteRole
from mcci.findings import Finding, Position
from mcci.network.plan import numbered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcci.config.clouds import Network, Site

PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")))
MAKES = (Cloud.AWS, Cloud.AZURE)  # where Terraform makes the instance
WIDEST, NARROWEST = 16, 26  # an AWS VPC's ranges are /16 to /28, and ours is halved
LEAST = 24  # each site has a /24 of the tunnels' range


def check(network: Network) -> tuple[Finding, ...]:
    """Return every reason why this network cannot be made; none: it can."""
    return tuple(_findings(network))


def _findings(network: Network) -> Iterator[Finding]:
    live = [site for site in network.sites.values() if not site.revoked]
    if len(live) < 2:
        message = (
            f"a VPN joins two sites or more; here {len(live) or 'none'} {'is' if len(live) < 2 else 'are'} in use."
        )
        yield _problem(message, network.marks.of("sites"), "Describe them under 'network: sites:'.")
    yield from _numbers(network)
    for site in network.sites.values():
        yield from _ranges(site)
        yield from _instance(site, network)
        if site.revoked and site.role is SiteRole.CA:
            message = f"{site.name} signs the certificates, and its own cannot be revoked."
            yield _problem(message, site.marks.of("revoked"), "Give another site the role 'ca' first.")
    yield from _tunnels(network)


def _numbers(network: Network) -> Iterator[Finding]:
    seen: dict[int, str] = {}
    for site, number in numbered(network):
        if other := seen.get(number):
            message = f"{site.name} and {other} have the same number {number}, and so the same tunnel addresses."
            yield _problem(message, site.marks.of("number"), "Give each site a 'number' of its own.")
        seen[number] = site.name


def _ranges(site: Site) -> Iterator[Finding]:
    if not site.subnets:
        message = f"{site.name} has no 'subnets': there is nothing to join."
        yield _problem(message, site.marks.of("subnets"), "Name its private ranges, such as [10.1.0.0/16].")
    places = [("subnets", number, text) for number, text in enumerate(site.subnets)]
    places += [("pods", -1, site.pods), ("services", -1, site.services)]
    for key, item, text in places:
        found = ip_network(text) if text else None
        position = site.marks.item(key, item)
        if found is None:
            continue
        if not isinstance(found, IPv4Network):
            yield _problem(f"{text} of {site.name} is IPv6, which this VPN does not carry.", position)
        elif not any(found.subnet_of(each) for each in PRIVATE):
            message = f"{text} of {site.name} is not private: what others own would be routed into the VPN."
            yield _problem(message, position, f"Use a range within {', '.join(map(str, PRIVATE))}.")


def _instance(site: Site, network: Network) -> Iterator[Finding]:
    """An instance that Terraform makes has a cloud that it knows, a region, room, and somebody who may log in."""
    if site.address or site.revoked:
        return
    if site.cloud not in MAKES:
        message = f"{site.name} has no 'address', and mcci makes instances on aws and azure alone."
        yield _problem(message, site.marks.of("cloud"), "Make the instance, and give its public address.")
        return
    if not site.region:
        message = f"{site.name} has neither an 'address' nor a 'region' in which Terraform could make its instance."
        yield _problem(message, site.marks.at)
    for number, text in enumerate(site.subnets):
        if ip_network(text).version == 4 and not WIDEST <= ip_network(text).prefixlen <= NARROWEST:
            message = f"{text} of {site.name} cannot be a range of a virtual network that Terraform makes."
            help_ = f"Use ranges from /{WIDEST} to /{NARROWEST}."
            yield _problem(message, site.marks.item("subnets", number), help_)
    for key, why in (("public_key", "is let in by ssh"), ("admins", "may ask for it")):
        if not getattr(network, key):
            message = f"Terraform makes the instance of {site.name}, and '{key}' does not say who {why}."
            yield _problem(message, network.marks.of(key), f"Give 'network: {key}:'.")


def _tunnels(network: Network) -> Iterator[Finding]:
    position = network.marks.of("tunnels")
    try:
        span = ip_network(network.tunnels)
    except ValueError as error:
        yield _problem(f"{error}.", position)
        return
    if not isinstance(span, IPv4Network) or not any(span.subnet_of(each) for each in PRIVATE):
        yield _problem(f"{span} is no private IPv4 range, which the tunnels' addresses are taken from.", position)
        return
    room = 2 ** max(0, LEAST - span.prefixlen) - 1
    for site, number in numbered(network):
        if number > min(room, 253):
            message = f"{span} has room for the sites 1 to {room}, and {site.name} is number {number}."
            yield _problem(message, position, "Use a wider range for 'tunnels', at best a /16.")
        for text in (*site.subnets, site.pods, site.services):
            if text and ip_network(text).overlaps(span):
                message = f"the tunnels' own range {span} overlaps {text} of {site.name}."
                yield _problem(message, position, "Choose another range for 'tunnels'.")


def _problem(message: str, position: Position, help_: str = "") -> Finding:
    return Finding(rule="network", message=message, position=position, help=help_)
