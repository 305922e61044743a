"""The build job's part: what GitLab tells of the job goes into the provenance, the SBOM into the job's report."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypedDict

from mcci.clients import files
from mcci.delivery.candidates import BASE_LABEL
from mcci.delivery.supply_chain import sbom
from mcci.delivery.supply_chain.attach import KEY, Attached, attach, signer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from mcci.clients.registry.client import Registry
    from mcci.clients.registry.layers import Layers
    from mcci.clients.registry.reference import Reference
    from mcci.delivery.supply_chain.provenance import Build

FOLDER = "sbom"


class Facts(TypedDict):
    """What GitLab tells of a job, as fields of `Build`."""

    source: str
    job_url: str
    builder: str
    started: str


def is_wanted(environment: Mapping[str, str]) -> bool:
    """Return whether an image that is built here is attested: in jobs whose image may be released, or with a key."""
    if environment.get("CI_MERGE_REQUEST_ID"):
        return False  # such a candidate is never released
    return environment.get("GITLAB_CI") == "true" or bool(environment.get(KEY))


def facts(environment: Mapping[str, str]) -> Facts:
    """Return what GitLab tells of the job; all is empty at a terminal."""
    server, runner = environment.get("CI_SERVER_URL", ""), environment.get("CI_RUNNER_ID", "")
    return {
        "source": environment.get("CI_PROJECT_URL", ""),
        "job_url": environment.get("CI_JOB_URL", ""),
        "builder": f"{server}/-/runners/{runner}" if server and runner else "",
        "started": environment.get("CI_JOB_STARTED_AT", ""),
    }


def path(folder: Path, service: str) -> Path:
    """Return where the SBOM of `service` is kept for GitLab's `cyclonedx` report; `folder` is that of mcci.yml."""
    return folder / FOLDER / f"{service}.cdx.json"


@contextmanager
def head_start(registry: Registry, last: Reference, base: str, layers: Layers) -> Iterator[None]:
    """Read the layers of the `last` image meanwhile, from its base on: the image that is being built has those as well.

    Nothing is read of one that has another base (its digest is `base`), and nothing more when the build is done.
    """
    done = threading.Event()
    thread = threading.Thread(target=read_ahead, args=(registry, last, base, layers, done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()


def read_ahead(registry: Registry, last: Reference, base: str, layers: Layers, done: threading.Event) -> None:
    """Read the layers of `last` until `done`; what fails is left to those who need it."""
    try:
        sbom.load()
        labels = (registry.config(last).get("config") or {}).get("Labels") or {}
        if not base or labels.get(BASE_LABEL) != base:
            return
        for layer in registry.get_manifest(last).layers:
            if done.is_set():
                return
            layers.of(registry, last, layer)
    except Exception:  # whatever it is, the image itself will be read, and fails with a reason or does not
        return


def attest(folder: Path, registry: Registry, build: Build, environment: Mapping[str, str], layers: Layers) -> Attached:
    """Attach SBOM, provenance and (with COSIGN_PRIVATE_KEY) signatures to what was built, and write the SBOM's file.

    Raises `UsageError` for a key that cannot be used, and what registries raise.
    """
    attached = attach(registry, build, signer(environment), layers)
    files.replace_all({path(folder, build.service): attached.sbom})
    return attached
