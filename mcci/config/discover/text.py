"""What was found to the text of a first `mcci.yml`: short lines, and comments that say what to fill in."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from mcci.config.choices import Stack

if TYPE_CHECKING:
    from mcci.config.discover.found import Found, FoundService

SCHEMA = ".mcci/schema.json"
WIDTH = 110
# what YAML 1.1 and 1.2 readers both take for text as it stands
_PLAIN = re.compile(r"(?!(?:y|n|yes|no|on|off|true|false|null|~|[\d.+-].*)$)[A-Za-z0-9_.][\w./-]*(?: [\w./-]+)*", re.I)


def text(found: Found) -> str:
    """Return the file's text."""
    stage, production = found.environments
    services, defaults = _services(found)
    blocks = [
        [
            f"# yaml-language-server: $schema={SCHEMA}",
            f"# {found.application}, as mcci found it. Read it through; FILL IN marks what mcci could not know.",
            "# All keys: mcci schema --format markdown",
            "version: 1",
            f"application: {_flow(found.application)}",
        ],
        [
            "# Pipelines, code and charts on three long-lived branches; or 'layout: trunk' for all on one.",
            "layout: three-branch",
            *([_line("branches", dict(found.branches))] if found.branches else []),
        ],
        [
            "# FILL IN: your GitLab's version and tier; they decide which forms the pipelines use.",
            _line("gitlab", {**({"url": found.gitlab} if found.gitlab else {}), "version": "18.2", "tier": "free"}),
        ],
        [
            "# FILL IN: where tested images are pushed; the variables REGISTRY_USER and REGISTRY_PASSWORD log in.",
            _line("registry", {"host": "docker.io", "namespace": found.application}),
        ],
        [*([_line("defaults", defaults)] if defaults else []), "services:", *services],
        [*([_line("charts", found.charts)] if found.charts else [])],
        [
            "# FILL IN: your Kubernetes clusters. A job reaches each by a kubeconfig, in a protected CI/CD variable of",
            "# the type file, called KUBECONFIG_ and the cluster's name; or by 'agent:' or 'oidc:'.",
            "clusters:",
            _item(f"{stage}-1", {"cloud": "other"}),
            _item(f"{production}-1", {"cloud": "other"}),
        ],
        [
            "# FILL IN: which clusters a release reaches, in this order; 'waves: [[a], [b, c]]' lets some wait.",
            "environments:",
            _item(stage, {"clusters": [f"{stage}-1"]}),
            _item(production, {"clusters": [f"{production}-1"]}),
        ],
        [
            "# How new versions take over production's traffic. 'gate: automatic' goes on by itself while Prometheus",
            "# (a cluster's 'prometheus:') shows no harm.",
            "canary: {steps: [10, 25, 50, 100], bake: 10m, gate: manual}",
        ],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _services(found: Found) -> tuple[list[str], dict[str, Any]]:
    """Return the services' lines, and the keys that all of them share."""
    keys = {service.name: _keys(service) for service in found.services}
    first = next(iter(keys.values()))
    shared = {
        name: value
        for name, value in first.items()
        if len(keys) > 1 and name != "path" and all(each.get(name) == value for each in keys.values())
    }
    lines: list[str] = []
    for service in found.services:
        lines += [f"  # FILL IN: {note}" for note in service.notes]
        lines.append(_item(service.name, {k: v for k, v in keys[service.name].items() if k not in shared}))
    return lines, shared


def _keys(service: FoundService) -> dict[str, Any]:
    keys: dict[str, Any] = {}
    if service.folder != service.name:
        keys["path"] = service.folder
    if service.stack is not Stack.DOCKERFILE:
        keys["stack"] = service.stack.value
    if service.dockerfile != "Dockerfile":
        keys["dockerfile"] = service.dockerfile
    if service.context:
        keys["context"] = service.context
    ports = _ports(service.ports)
    if ports and ports != {"http": 8080}:
        keys["ports"] = ports
    if service.health:
        keys["health"] = {"live": service.health, "ready": service.health}
    if service.depends_on:
        keys["depends_on"] = list(service.depends_on)
    return keys


def _ports(numbers: tuple[int, ...]) -> dict[str, int]:
    """Name the ports so that Istio knows their protocols: the first is the one that answers the health checks."""
    known = {443: "https", 8443: "https", 9090: "http-metrics", 9464: "http-metrics", 50051: "grpc"}
    ports: dict[str, int] = {}
    for number in numbers:
        name = known.get(number, "" if ports else "http") or f"tcp-{number}"
        ports[name if name not in ports else f"tcp-{number}"] = number
    return ports


def _item(name: str, keys: dict[str, Any]) -> str:
    return _line(name, keys, "  ")


def _line(name: str, value: Any, indent: str = "") -> str:
    """Return one key with its value: on one line when it fits, else the value's keys on lines of their own."""
    line = f"{indent}{_flow(name)}: {_flow(value)}"
    if len(line) <= WIDTH or not isinstance(value, dict):
        return line
    return "\n".join([f"{indent}{_flow(name)}:", *(_line(key, each, f"{indent}  ") for key, each in value.items())])


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(each) for each in value) + "]"
    if isinstance(value, str) and not _PLAIN.fullmatch(value):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
