"""Pods, and the templates of what makes them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.api.rules import findings
from mcci.lab.clusters.api.rules.findings import LABEL, at_least, duplicate, invalid, name, one_of, required
from mcci.lab.clusters.api.rules.quantities import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcci.lab.clusters.api.rules.findings import Finding

Object = dict[str, Any]
PROTOCOLS = ("SCTP", "TCP", "UDP")
PULLS = ("Always", "IfNotPresent", "Never")
DNS = ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")
HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
VARIABLE = re.compile(r"[^=\x00-\x1f\x7f-\uffff]+")


def pod(body: Object, current: Object | None) -> Iterator[Finding]:
    """Check a Pod."""
    yield from spec(body["spec"], "spec", restart=("Always", "OnFailure", "Never"))
    if current is not None and current["spec"].get("nodeName"):
        yield from findings.fixed(body, current, "nodeName")


def spec(given: Object, path: str, *, restart: tuple[str, ...]) -> Iterator[Finding]:
    """Check a pod's spec; `restart` are the policies that its owner can do with."""
    if not given.get("containers"):
        yield required(f"{path}.containers")
    yield from one_of(f"{path}.restartPolicy", given.get("restartPolicy"), restart)
    yield from one_of(f"{path}.dnsPolicy", given.get("dnsPolicy"), DNS)
    volumes: set[str] = set()
    for index, volume in enumerate(given.get("volumes") or ()):
        field = f"{path}.volumes[{index}].name"
        yield from name(field, volume.get("name", ""), LABEL)
        if volume.get("name") in volumes:
            yield duplicate(field, volume["name"])
        volumes.add(volume.get("name", ""))
    names: set[str] = set()
    for kind in ("initContainers", "containers"):
        for index, container in enumerate(given.get(kind) or ()):
            yield from _container(container, f"{path}.{kind}[{index}]", names, volumes)


def _container(container: Object, path: str, names: set[str], volumes: set[str]) -> Iterator[Finding]:
    own = container.get("name", "")
    if own:
        yield from name(f"{path}.name", own, LABEL)
    if own in names:
        yield duplicate(f"{path}.name", own)
    names.add(own)
    if not container.get("image"):
        yield required(f"{path}.image")
    yield from one_of(f"{path}.imagePullPolicy", container.get("imagePullPolicy"), PULLS)
    yield from _ports(container.get("ports") or [], f"{path}.ports")
    for index, variable in enumerate(container.get("env") or ()):
        yield from _variable(variable, f"{path}.env[{index}]")
    for index, mount in enumerate(container.get("volumeMounts") or ()):
        if mount.get("name") not in volumes:
            yield findings.not_found(f"{path}.volumeMounts[{index}].name", mount.get("name"))
    for kind in PROBES:
        if kind in container:
            yield from _probe(container[kind], f"{path}.{kind}", once=kind != "readinessProbe")
    yield from _resources(container.get("resources") or {}, f"{path}.resources")


def _ports(ports: list[Object], path: str) -> Iterator[Finding]:
    names: set[str] = set()
    for index, port in enumerate(ports):
        if not port.get("containerPort"):
            yield required(f"{path}[{index}].containerPort")
        else:
            yield from findings.port(f"{path}[{index}].containerPort", port["containerPort"])
        yield from one_of(f"{path}[{index}].protocol", port.get("protocol"), PROTOCOLS)
        if own := port.get("name"):
            yield from findings.port(f"{path}[{index}].name", own)
            if own in names:
                yield duplicate(f"{path}[{index}].name", own)
            names.add(own)


def _variable(variable: Object, path: str) -> Iterator[Finding]:
    own = variable.get("name", "")
    if not own:
        yield required(f"{path}.name")
    elif not VARIABLE.fullmatch(own):
        yield invalid(
            f"{path}.name", own, "a valid environment variable name must consist of printable characters, not '='"
        )
    if "valueFrom" in variable:
        if variable.get("value"):
            yield invalid(f"{path}.valueFrom", "", "may not be specified when `value` is not empty")
        if len(variable["valueFrom"]) != 1:
            yield invalid(f"{path}.valueFrom", "", "must specify exactly one of the sources")


def _probe(probe: Object, path: str, *, once: bool) -> Iterator[Finding]:
    handlers = [kind for kind in HANDLERS if kind in probe]
    if not handlers:
        yield required(path, "must specify a handler type")
    for kind in handlers[1:]:
        yield findings.forbidden(f"{path}.{kind}", "may not specify more than 1 handler type")
    for kind in ("httpGet", "tcpSocket"):
        if kind in handlers:
            yield from findings.port(f"{path}.{kind}.port", probe[kind].get("port"))
    if once and probe.get("successThreshold", 1) != 1:
        yield invalid(f"{path}.successThreshold", probe["successThreshold"], "must be 1")
    for field in ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"):
        yield from at_least(f"{path}.{field}", probe.get(field), 0)


def _resources(resources: Object, path: str) -> Iterator[Finding]:
    limits = resources.get("limits") or {}
    for kind, asked in (resources.get("requests") or {}).items():
        most, wanted = number(limits.get(kind, asked)), number(asked)
        if wanted is not None and wanted < 0:
            yield invalid(f"{path}.requests[{kind}]", str(asked), "must be greater than or equal to 0")
        elif wanted is not None and most is not None and wanted > most:
            yield invalid(
                f"{path}.requests", str(asked), f"must be less than or equal to {kind} limit of {limits[kind]}"
            )
