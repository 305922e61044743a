"""Where a kubeconfig comes from: a CI/CD variable, GitLab's agent, the pod's own account, or a person's own file."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import TYPE_CHECKING

from mcci.clients.kubernetes import kubeconfig
from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.clients.kubernetes.kubeconfig import Document
    from mcci.config.clouds import Cluster

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def find(cluster: Cluster, environment: Mapping[str, str], account: Path = ACCOUNT) -> tuple[Document, str]:
    """Return the kubeconfig of a cluster that is not reached by OIDC, and the words for where it is from.

    Raises `UsageError` when there is none, with what to do.
    """
    if cluster.in_cluster:
        return _account(cluster, environment, account), f"the pod's service account, for {cluster.name}"
    if cluster.agent:
        return _agent(cluster, environment)
    name = cluster.kubeconfig_variable
    value = environment.get(name, "").strip()
    if value:
        return _variable(name, value)
    if not environment.get("CI"):
        found = _own(cluster, environment)
        if found:
            return found
    raise UsageError(
        f"the cluster {cluster.name} cannot be reached: the variable {name} is not set. Add it to the project's CI/CD "
        "variables: type File, protected, its value what `kubectl config view --raw --minify --flatten` shows. A "
        "protected variable is there on protected branches only. At a terminal, a context called "
        f"'{cluster.name}' in your own kubeconfig serves as well."
    )


def _variable(name: str, value: str) -> tuple[Document, str]:
    source = f"the kubeconfig in {name}"
    if "\n" in value or value.startswith("{"):
        return kubeconfig.select(kubeconfig.parse(value, source), "", source, Path.cwd()), source
    if (text := _read(Path(value))) is not None:
        return kubeconfig.select(kubeconfig.parse(text, source), "", source, Path(value).absolute().parent), source
    try:
        text = base64.b64decode(value, validate=True).decode()
    except (ValueError, binascii.Error) as error:
        raise UsageError(
            f"{name} holds neither the path of a file nor a kubeconfig's text. Make it a variable of the type File."
        ) from error
    return kubeconfig.select(kubeconfig.parse(text, source), "", source, Path.cwd()), source


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None


def _agent(cluster: Cluster, environment: Mapping[str, str]) -> tuple[Document, str]:
    source = f"GitLab's agent {cluster.agent}"
    document, folder = _files(environment.get("KUBECONFIG", ""), source)
    if document is None:
        raise UsageError(
            f"{source} gives no access to {cluster.name}: GitLab has set no KUBECONFIG. Authorize this project under "
            "`ci_access` in the agent's configuration."
        )
    if not any(each.get("name") == cluster.agent for each in document.get("contexts") or []):
        known = ", ".join(str(each.get("name")) for each in document.get("contexts") or [])
        raise UsageError(
            f"{source} gives no access to {cluster.name}: KUBECONFIG has no such context, but {known or 'none'}. "
            "Authorize this project under `ci_access` in the agent's configuration, or correct `agent` in mcci.yml."
        )
    return kubeconfig.select(document, cluster.agent, source, folder), source


def _own(cluster: Cluster, environment: Mapping[str, str]) -> tuple[Document, str] | None:
    """Return the context of the cluster's name from a person's own kubeconfig, if there is one."""
    value = environment.get("KUBECONFIG", "") or str(Path(environment.get("HOME", "/nonexistent")) / ".kube" / "config")
    source = f"your kubeconfig's context '{cluster.name}'"
    document, folder = _files(value, source)
    if document is None or not any(each.get("name") == cluster.name for each in document.get("contexts") or []):
        return None
    return kubeconfig.select(document, cluster.name, source, folder), source


def _files(value: str, source: str) -> tuple[Document | None, Path]:
    """Return the kubeconfigs of a list of paths as one: of two things of one name, the first counts."""
    merged: Document = {"clusters": [], "contexts": [], "users": []}
    paths = [Path(each) for each in value.split(":") if each and Path(each).is_file()]
    for path in paths:
        document = kubeconfig.parse(path.read_text(encoding="utf-8"), f"{source} ({path})")
        for section in ("clusters", "contexts", "users"):
            known = {each.get("name") for each in merged[section]}
            merged[section] += [each for each in document.get(section) or [] if each.get("name") not in known]
    return (merged, paths[0].absolute().parent) if paths else (None, Path.cwd())


def _account(cluster: Cluster, environment: Mapping[str, str], account: Path) -> Document:
    host, port = environment.get("KUBERNETES_SERVICE_HOST", ""), environment.get("KUBERNETES_SERVICE_PORT", "443")
    if not host or not (account / "token").is_file():
        raise UsageError(
            f"the cluster {cluster.name} has `in_cluster`, and this job runs in no pod with a service account. Use the "
            "kubernetes executor in that cluster, and give its pods a service account whose token is mounted."
        )
    name = cluster.name
    server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority": str(account / "ca.crt")}}],
        "users": [{"name": name, "user": {"tokenFile": str(account / "token")}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
    }
