"""A cluster's kubeconfig, made to stand alone, and brought to where `clusters:` looks for it.

That is the file that the cluster's variable names; else, at a terminal, the person's own kubeconfig, where it becomes
the context of the cluster's name. A file given with `--output` holds this cluster alone: the value of a CI/CD variable.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcci.clients.kubernetes import kubeconfig
from mcci.clusters import exec_rules
from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.clients.kubernetes.kubeconfig import Document
    from mcci.config.clouds import Cluster

_EMPTY: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", "clusters": [], "users": [], "contexts": []}
_FILES = ("certificate-authority", "client-certificate", "client-key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a kubeconfig goes: `shared` with other contexts, or a file of its own."""

    path: Path
    shared: bool

    def __str__(self) -> str:
        return f"{self.path}, among your other contexts" if self.shared else str(self.path)


def place(cluster: Cluster, environment: Mapping[str, str], output: Path | None) -> Place:
    """Return where the kubeconfig of `cluster` belongs. Raises `UsageError` where there is no such place."""
    if output is not None:
        return Place(path=output.absolute(), shared=False)
    variable = cluster.kubeconfig_variable
    if not variable:
        raise UsageError(
            f"{cluster.name} is reached by {_way(cluster)} and not by a kubeconfig. Give '--output FILE' to write one "
            "all the same, or take that key out of mcci.yml."
        )
    value = environment.get(variable, "").strip()
    if value and "\n" not in value and not value.startswith("{") and (value.startswith("/") or Path(value).is_file()):
        return Place(path=Path(value).absolute(), shared=False)
    if value:
        raise UsageError(
            f"{variable} holds a kubeconfig itself, and no file's path: give '--output FILE', or unset it."
        )
    if environment.get("CI"):
        raise UsageError("a job has no kubeconfig of its own that would last: give '--output FILE'.")
    own = [each for each in environment.get("KUBECONFIG", "").split(":") if each]
    return Place(path=Path(own[0] if own else Path(environment.get("HOME", "/")) / ".kube" / "config"), shared=True)


def _way(cluster: Cluster) -> str:
    return "GitLab's agent" if cluster.agent else "OIDC" if cluster.oidc else "its jobs' own service account"


def alone(document: Document, cluster: Cluster, source: str) -> Document:
    """Return a kubeconfig of one context, named as the cluster, that needs no other file.

    Raises `UsageError` for what no job could use safely: no TLS, a program that is not expected of the cluster's cloud.
    """
    access = kubeconfig.read(document, source)
    if access.user.exec:
        exec_rules.check(access.user.exec, cluster, source)
    server, user = dict(document["clusters"][0]["cluster"]), dict(document["users"][0]["user"])
    context = {key: value for key, value in document["contexts"][0]["context"].items() if key == "namespace"}
    for body in (server, user):
        for key in _FILES:
            if body.get(key) and not body.get(f"{key}-data"):
                body[f"{key}-data"] = base64.b64encode(_text(body[key], key, source).encode()).decode()
            body.pop(key, None)
    if user.get("tokenFile"):
        user["token"] = user.get("token") or _text(user["tokenFile"], "tokenFile", source).strip()
        del user["tokenFile"]
    name = cluster.name
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": server}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, **context}}],
    }


def merged(own: Document, existing: str, where: Place, *, replace: bool) -> str:
    """Return the text of the file at `where`, which holds `existing` (empty: nothing), with `own` in it.

    Other contexts stay as they are, and so does the current one. Raises `UsageError` where the name is taken by another
    server, unless `replace`.
    """
    import yaml

    name = own["current-context"]
    empty = not existing.strip()
    there = {**_EMPTY} if empty else kubeconfig.parse(existing, str(where.path))
    taken = _server(there, name if where.shared else "")
    if taken not in ("", own["clusters"][0]["cluster"]["server"]) and not replace:
        raise UsageError(
            f"{where.path} has '{name}' already, for {taken}, and this is {own['clusters'][0]['cluster']['server']}. "
            "Give '--replace' to put this one in its place, or '--output FILE' to leave it."
        )
    new = _among(own, there) if where.shared else own
    return existing if new == there and not empty else yaml.safe_dump(new, sort_keys=False)


def _among(own: Document, there: Document) -> Document:
    """Return a person's kubeconfig with one more context; its server and user get names that nobody else gives."""
    name = own["current-context"]
    entry = f"mcci-{name}"
    context = {**own["contexts"][0]["context"], "cluster": entry, "user": entry}
    added = {
        "clusters": {**own["clusters"][0], "name": entry},
        "users": {**own["users"][0], "name": entry},
        "contexts": {"name": name, "context": context},
    }
    new = {**there, "current-context": there.get("current-context") or name}
    for section, one in added.items():
        kept = [each for each in there.get(section) or [] if isinstance(each, dict)]
        found = any(each.get("name") == one["name"] for each in kept)
        new[section] = [one if each.get("name") == one["name"] else each for each in kept] + ([] if found else [one])
    return new


def _server(document: Document, context: str) -> str:
    """Return the server of a context (of the current one where `context` is empty); empty where it is not there."""
    name = context or document.get("current-context")
    for inner in _named(document, "contexts", name, "context"):
        for cluster in _named(document, "clusters", inner.get("cluster"), "cluster"):
            return str(cluster.get("server") or "")
    return ""


def _named(document: Document, section: str, name: object, key: str) -> list[dict[str, Any]]:
    entries = [each for each in document.get(section) or [] if isinstance(each, dict) and each.get("name") == name]
    return [each[key] for each in entries if isinstance(each.get(key), dict)]


def _text(path: str, key: str, source: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UsageError(f"{source}: the file of '{key}', {path}, cannot be read.") from error
