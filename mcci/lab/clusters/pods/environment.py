"""A container's environment and command line, from its spec and what that refers to. Pure but for what it looks up."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

from mcci.clients.engines.host_ports import at_home
from mcci.lab.clusters.pods.model import ConfigFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.lab.clusters.pods.model import Image, Lookup

Object = dict[str, Any]
REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_.-][A-Za-z0-9_.-]*)\)")


def data_of(body: Object) -> dict[str, bytes]:
    """Return what a ConfigMap or Secret holds."""
    if body["kind"] == "Secret":
        return {key: base64.b64decode(value) for key, value in (body.get("data") or {}).items()}
    plain = {key: value.encode() for key, value in (body.get("data") or {}).items()}
    return plain | {key: base64.b64decode(value) for key, value in (body.get("binaryData") or {}).items()}


def environment(container: Object, pod: Object, image: Image, address: str, lookup: Lookup) -> dict[str, str]:
    """Return the whole environment: the image's, envFrom, env. Raises `ConfigFailed` where a reference leads nowhere.

    All pods share the machine's loopback, each with an address of its own: `0.0.0.0`, by which an image listens on all
    addresses of its pod, becomes that address.
    """
    own: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        own |= _all_of(source, lookup)
    for entry in container.get("env") or ():
        value = (
            _from(entry["valueFrom"], pod, container, address, lookup)
            if "valueFrom" in entry
            else entry.get("value", "")
        )
        if value is not None:
            own[entry["name"]] = expanded(value, own)
    own = {**image.environment, "HOSTNAME": pod["metadata"]["name"], **own}
    return {key: at_home(value, address) for key, value in own.items()}


def command(container: Object, image: Image, known: Mapping[str, str], address: str) -> tuple[str, ...]:
    """Return the command line: `command` and `args` take the place of the image's entry point and command."""
    given, arguments = container.get("command"), container.get("args")
    words = [*given, *(arguments or ())] if given else [*image.entrypoint, *(arguments or image.command)]
    return tuple(at_home(expanded(word, known), address) for word in words)


def expanded(text: str, known: Mapping[str, str]) -> str:
    """Return `text` with each `$(NAME)` that is known replaced; `$$` is a dollar sign."""

    def value(match: re.Match[str]) -> str:
        return "$" if match[0] == "$$" else known.get(match[1], match[0])

    return REFERENCE.sub(value, text)


def _all_of(source: Object, lookup: Lookup) -> dict[str, str]:
    kind = "ConfigMap" if "configMapRef" in source else "Secret"
    reference = source.get("configMapRef") or source.get("secretRef") or {}
    data = lookup(kind, reference["name"])
    if data is None:
        if reference.get("optional"):
            return {}
        raise ConfigFailed(f'{kind.lower()} "{reference["name"]}" not found')
    return {source.get("prefix", "") + key: value.decode(errors="replace") for key, value in data.items()}


def _from(source: Object, pod: Object, container: Object, address: str, lookup: Lookup) -> str | None:
    if field := source.get("fieldRef"):
        return field_of(field["fieldPath"], pod, address)
    if resource := source.get("resourceFieldRef"):
        group, _, name = resource["resource"].partition(".")
        return str(((container.get("resources") or {}).get(group) or {}).get(name, "0"))
    kind = "ConfigMap" if "configMapKeyRef" in source else "Secret"
    reference = source.get("configMapKeyRef") or source.get("secretKeyRef") or {}
    data = lookup(kind, reference["name"])
    if data is not None and reference["key"] in data:
        return data[reference["key"]].decode(errors="replace")
    if reference.get("optional"):
        return None
    if data is None:
        raise ConfigFailed(f'{kind.lower()} "{reference["name"]}" not found')
    namespace = pod["metadata"]["namespace"]
    raise ConfigFailed(f"couldn't find key {reference['key']} in {kind} {namespace}/{reference['name']}")


def field_of(path: str, pod: Object, address: str) -> str:
    """Return a field of the downward API."""
    metadata = pod["metadata"]
    if match := re.fullmatch(r"metadata\.(labels|annotations)\['(.+)'\]", path):
        return str((metadata.get(match[1]) or {}).get(match[2], ""))
    if path in ("metadata.labels", "metadata.annotations"):
        found = metadata.get(path.rpartition(".")[2]) or {}
        return "\n".join(f'{key}="{value}"' for key, value in sorted(found.items()))
    known = {
        "metadata.name": metadata["name"], "metadata.namespace": metadata["namespace"], "metadata.uid": metadata["uid"],
        "spec.nodeName": pod["spec"].get("nodeName", ""), "status.podIP": address, "status.podIPs": address,
        "spec.serviceAccountName": pod["spec"].get("serviceAccountName", ""), "status.hostIP": "127.0.0.1",
    }  # fmt: skip
    return str(known.get(path, ""))
