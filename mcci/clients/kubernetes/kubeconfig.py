"""A kubeconfig, read strictly: what is left of it reaches a server over TLS that is verified, as one known user.

Source: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exec:
    """A credential plug-in. `environment` is added to the process's own; `folder` is where it runs."""

    command: str
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    api_version: str = "client.authentication.k8s.io/v1"
    hint: str = ""
    folder: Path | None = None
    cluster: Mapping[str, Any] | None = field(default=None, repr=False)  # told to the plug-in where it asks for it


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """How a request is authenticated: by what of these is there."""

    token: str = field(default="", repr=False)
    token_file: Path | None = None
    certificate: str = field(default="", repr=False)  # PEM
    key: str = field(default="", repr=False)  # PEM
    username: str = ""
    password: str = field(default="", repr=False)
    exec: Exec | None = None
    impersonate: tuple[tuple[str, str], ...] = ()  # headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One server and one user. `authority` is PEM, empty for the system's; `source` says where this was read."""

    source: str
    server: str
    user: User
    authority: str = field(default="", repr=False)
    tls_server_name: str = ""
    proxy: str = field(default="", repr=False)


def parse(text: str, source: str) -> Document:
    """Return a kubeconfig's document. Raises `UsageError` when it is none; its content is never shown."""
    import yaml

    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise UsageError(f"{source} is no kubeconfig: it is not YAML{where}.") from error
    if not isinstance(document, dict) or not isinstance(document.get("clusters"), list):
        raise UsageError(
            f"{source} is no kubeconfig: it has no 'clusters'. Give what `kubectl config view --raw` shows."
        )
    return document


def select(document: Document, context: str, source: str, folder: Path) -> Document:
    """Return a kubeconfig that holds one context of `document` and no more; the current one where `context` is empty.

    Relative paths are made absolute from `folder`. Raises `UsageError` when it names what is not there.
    """
    name = context or document.get("current-context") or ""
    if not name and len(document.get("contexts") or []) == 1:
        name = document["contexts"][0].get("name", "")
    if not name:
        raise UsageError(f"{source} has no current-context. Set it: `kubectl config use-context NAME`.")
    chosen = _named(document, "contexts", name, source)
    inner = _mapping(chosen.get("context"), "context", name, source)
    cluster = _mapping(
        _named(document, "clusters", inner.get("cluster"), source).get("cluster"), "cluster", name, source
    )
    user_name = inner.get("user")
    user: Document = {}
    if user_name:
        user = _mapping(_named(document, "users", user_name, source).get("user") or {}, "user", name, source)
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "contexts": [{"name": name, "context": {**inner, "user": user_name or "nobody"}}],
        "clusters": [{"name": inner["cluster"], "cluster": _absolute(cluster, ("certificate-authority",), folder)}],
        "users": [
            {
                "name": user_name or "nobody",
                "user": _absolute(user, ("client-certificate", "client-key", "tokenFile"), folder),
            }
        ],
    }


def read(document: Document, source: str) -> Access:
    """Return what a kubeconfig of one context says. Raises `UsageError` for what is not safe, or not there."""
    cluster, user = document["clusters"][0]["cluster"], document["users"][0]["user"]
    server = str(cluster.get("server") or "")
    if cluster.get("insecure-skip-tls-verify"):
        raise UsageError(
            f"{source} has 'insecure-skip-tls-verify': whoever is in between could take the credentials. Give the "
            "cluster's certificate-authority-data instead."
        )
    if not server.startswith("https://"):
        raise UsageError(f"{source}: the server '{server}' is not reached over TLS. Its address begins with https://.")
    return Access(
        source=source,
        server=server.rstrip("/"),
        authority=_pem(cluster, "certificate-authority", source),
        tls_server_name=str(cluster.get("tls-server-name") or ""),
        proxy=str(cluster.get("proxy-url") or ""),
        user=_user(user, cluster, source),
    )


def _user(user: Document, cluster: Document, source: str) -> User:
    if "auth-provider" in user:
        raise UsageError(
            f"{source} has an 'auth-provider', which Kubernetes 1.26 gave up. Make it anew: it will have 'exec'."
        )
    headers = [("Impersonate-User", str(user["as"]))] if user.get("as") else []
    headers += [("Impersonate-Group", str(group)) for group in user.get("as-groups") or []]
    token_file = user.get("tokenFile")
    return User(
        token=str(user.get("token") or "").strip(),
        token_file=Path(token_file) if token_file else None,
        certificate=_pem(user, "client-certificate", source),
        key=_pem(user, "client-key", source),
        username=str(user.get("username") or ""),
        password=str(user.get("password") or ""),
        exec=_exec(user["exec"], cluster, source) if user.get("exec") else None,
        impersonate=tuple(headers),
    )


def _exec(body: Document, cluster: Document, source: str) -> Exec:
    if not isinstance(body, dict) or not body.get("command"):
        raise UsageError(f"{source} has an 'exec' without a 'command'.")
    return Exec(
        command=str(body["command"]),
        arguments=tuple(str(each) for each in body.get("args") or ()),
        environment={str(each["name"]): str(each["value"]) for each in body.get("env") or ()},
        api_version=str(body.get("apiVersion") or "client.authentication.k8s.io/v1"),
        hint=str(body.get("installHint") or "").strip(),
        cluster=dict(cluster) if body.get("provideClusterInfo") else None,
    )


def _named(document: Document, section: str, name: object, source: str) -> Document:
    for each in document.get(section) or []:
        if isinstance(each, dict) and each.get("name") == name:
            return each
    known = ", ".join(str(each.get("name")) for each in document.get(section) or [] if isinstance(each, dict))
    raise UsageError(f"{source} has no '{name}' among its {section}: {known or 'there are none'}.")


def _mapping(value: object, what: str, name: str, source: str) -> Document:
    if not isinstance(value, dict):
        raise UsageError(f"{source}: the {what} of '{name}' is no mapping.")
    return value


def _absolute(body: Document, keys: tuple[str, ...], folder: Path) -> Document:
    return {key: str(folder / value) if key in keys and value else value for key, value in body.items()}


def _pem(body: Document, key: str, source: str) -> str:
    """Return what `key`-data holds, or the file that `key` names."""
    if body.get(f"{key}-data"):
        try:
            return base64.b64decode(str(body[f"{key}-data"]), validate=True).decode()
        except (binascii.Error, ValueError) as error:
            raise UsageError(f"{source}: '{key}-data' is not base64 of a PEM text.") from error
    if not body.get(key):
        return ""
    try:
        return Path(str(body[key])).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UsageError(f"{source}: the file of '{key}', {body[key]}, cannot be read.") from error
