"""Services and network policies."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.api.rules import findings, metadata
from mcci.lab.clusters.api.rules.findings import duplicate, fixed, invalid, name, one_of, required
from mcci.lab.clusters.api.rules.pods import PROTOCOLS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcci.lab.clusters.api.rules.findings import Finding

Object = dict[str, Any]
TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")


def service(body: Object, current: Object | None) -> Iterator[Finding]:
    """Check a Service."""
    spec = body["spec"]
    ports = spec.get("ports") or []
    yield from one_of("spec.type", spec["type"], TYPES)
    yield from one_of("spec.sessionAffinity", spec.get("sessionAffinity"), ("ClientIP", "None"))
    yield from metadata.labels(spec.get("selector"), "spec.selector")
    if spec["type"] == "ExternalName":
        if not spec.get("externalName"):
            yield required("spec.externalName")
    elif not ports and spec.get("clusterIP") != "None":
        yield required("spec.ports")
    if spec.get("clusterIP") not in (None, "", "None") and not _is_address(spec["clusterIP"]):
        yield invalid(
            "spec.clusterIPs[0]", spec["clusterIP"], "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
        )
    yield from _ports(ports)
    before = (current or {}).get("spec", {})
    if before.get("clusterIP") and "ExternalName" not in (spec["type"], before["type"]):
        yield from fixed(body, current, "clusterIP")


def _ports(ports: list[Object]) -> Iterator[Finding]:
    names: set[str] = set()
    numbers: set[tuple[str, int]] = set()
    for index, port in enumerate(ports):
        path = f"spec.ports[{index}]"
        own = port.get("name", "")
        if own:
            yield from name(f"{path}.name", own, findings.LABEL)
            if own in names:
                yield duplicate(f"{path}.name", own)
        elif len(ports) > 1:
            yield required(f"{path}.name")
        names.add(own)
        yield from findings.port(f"{path}.port", port.get("port"))
        yield from one_of(f"{path}.protocol", port.get("protocol"), PROTOCOLS)
        yield from findings.port(f"{path}.targetPort", port.get("targetPort"))
        both = port.get("protocol", "TCP"), port.get("port", 0)
        if both in numbers:
            yield duplicate(path, {"protocol": both[0], "port": both[1]})
        numbers.add(both)


def network_policy(body: Object, _: Object | None) -> Iterator[Finding]:
    """Check a NetworkPolicy."""
    spec = body["spec"]
    for index, kind in enumerate(spec.get("policyTypes") or ()):
        yield from one_of(f"spec.policyTypes[{index}]", kind, ("Egress", "Ingress"))
    for way, peers in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(spec.get(way) or ()):
            for at, peer in enumerate(rule.get(peers) or ()):
                if not peer:
                    yield required(f"spec.{way}[{index}].{peers}[{at}]", "must specify a peer")
            for at, port in enumerate(rule.get("ports") or ()):
                if "port" in port:
                    yield from findings.port(f"spec.{way}[{index}].ports[{at}].port", port["port"])


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
