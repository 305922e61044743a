"""What the commands of `mcci clusters` share: Rancher, opened as mcci.yml says, and how results are shown."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mcci.errors import McciError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from mcci.clients.kubernetes.kubeconfig import Document
    from mcci.clients.rancher import Rancher
    from mcci.clusters.kubeconfigs import Place
    from mcci.clusters.rancher.state import State
    from mcci.clusters.rancher.waiting import Patience
    from mcci.config.model import Cluster, Config


def cluster_of(model: Config, name: str) -> Cluster:
    """Return a cluster of mcci.yml. Raises `UsageError` where there is none."""
    if name not in model.clusters:
        known = ", ".join(model.clusters) or "none"
        raise UsageError(f"mcci.yml has no cluster '{name}'. It has {known}; add it under 'clusters' first.")
    return model.clusters[name]


def authority(model: Config, root: Path) -> str:
    """Return the certificate (PEM) of the authority that signed Rancher's; empty for the system's."""
    from mcci.clients import files

    if not model.rancher.ca:
        return ""
    text = files.read(root / model.rancher.ca).decode("utf-8", errors="replace")
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise UsageError(
            f"{model.rancher.ca} is no certificate (PEM): give Rancher's authority in 'rancher: {{ca: …}}'."
        )
    return text


@contextmanager
def opened(model: Config, root: Path, variables: Mapping[str, str], deadline: float = 60) -> Iterator[Rancher]:
    """Open Rancher. Nothing is asked of it yet. Raises `UsageError` where there is none, or no API key."""
    from mcci.clients import rancher

    if not model.rancher.url:
        raise UsageError("mcci.yml does not say where Rancher is: give 'rancher: {url: …}'.")
    token = variables.get(model.rancher.token, "").strip()
    if not token:
        raise UsageError(
            f"the variable {model.rancher.token} is not set: it holds the API key for {model.rancher.url}. Make one in "
            "Rancher (Account & API Keys, no scope), and give its bearer token."
        )
    if any(character <= " " or character > "~" for character in token):
        raise UsageError(
            f"{model.rancher.token} is no API key of Rancher's: those look like token-abcde:…, in one line."
        )
    found = rancher.connect(
        model.rancher.url, token, namespace=model.rancher.namespace, authority=authority(model, root), deadline=deadline
    )
    try:
        yield found
    finally:
        found.close()


@contextmanager
def asked(
    model: Config, root: Path, variables: Mapping[str, str], deadline: float
) -> Iterator[tuple[Callable[[str], State | None] | None, str]]:
    """Give what says how a cluster is in Rancher, and why nothing does; neither where mcci.yml has no Rancher."""
    from mcci import output
    from mcci.clusters.rancher import state

    if not model.rancher.url:
        yield None, ""
        return
    if not variables.get(model.rancher.token, "").strip():
        output.log(f"note: Rancher is not asked: {model.rancher.token} is not set")
        yield None, ""
        return
    with opened(model, root, variables, deadline) as rancher:
        try:
            rancher.check()
        except McciError as error:
            yield None, str(error)
            return

        def look(name: str) -> State | None:
            try:
                found = rancher.cluster(name)
            except McciError as error:
                return state.State(messages=(str(error),))
            return None if found is None else state.read(found)

        yield look, ""


def show(steps: Sequence[str], *, dry_run: bool) -> None:
    """Print what was done, or would be."""
    from mcci import output

    for step in steps:
        output.text(f"would {step}" if dry_run else f"{output.good('done')} {step}")
    if not steps:
        output.text("nothing has to be changed" if dry_run else "nothing had to be changed")


def variable_note(cluster: Cluster, environments: Sequence[str], path: Path) -> str:
    """Return how a kubeconfig's file becomes what jobs look for."""
    scopes = " or ".join(f"{each}/{cluster.name}" for each in environments)
    return (
        f"for jobs, {path} is the value of the CI/CD variable {cluster.kubeconfig_variable}: type File, protected, "
        f"environment {scopes}"
    )


def rancher_body(state: State | None) -> dict[str, Any] | None:
    """Return a cluster's state in Rancher as the documents have it."""
    return {"id": state.id, "active": state.active, "state": str(state)} if state else None


def at_hand(rancher: Rancher, cluster: Cluster, state: State | None, place: Place) -> Document | None:
    """Return the kubeconfig at its place that goes through Rancher and still works; None where there is none."""
    from mcci.clusters import importing
    from mcci.clusters.rancher import kubeconfigs

    if state is None or not state.id:
        return None
    document = importing.existing(place, cluster.name)
    return document if document is not None and kubeconfigs.works(document, rancher, state.id) else None


def refuse_taken(rancher: Rancher, cluster: Cluster, place: Place, *, replace: bool) -> None:
    """Raise `UsageError` where a kubeconfig through Rancher could not be written, before anything is done for it."""
    from mcci.clusters import importing
    from mcci.clusters.rancher import kubeconfigs

    there = importing.existing(place, cluster.name)
    server = str(there["clusters"][0]["cluster"].get("server") or "") if there else ""
    if server and not replace and not kubeconfigs.is_rancher(rancher, server):
        raise UsageError(
            f"{place.path} has '{cluster.name}' already, for {server}. Give '--replace' to put the way through Rancher "
            "in its place, or '--output FILE' to leave it."
        )


def write_through(
    rancher: Rancher, cluster: Cluster, state: State, place: Place, authority: str, patience: Patience, *, replace: bool
) -> list[str]:
    """Have Rancher make a kubeconfig where none works yet, wait until it does, and write it; return the steps."""
    from mcci.clusters import importing
    from mcci.clusters.rancher import kubeconfigs

    if at_hand(rancher, cluster, state, place) is not None:
        return []
    document = kubeconfigs.generated(rancher, cluster, state.id, authority)
    kubeconfigs.answers(document, cluster.name, patience)
    importing.write(document, place, replace=replace)
    return [f"write the kubeconfig that Rancher made for {cluster.name} to {place}"]
