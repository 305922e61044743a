"""Carries actions out in one cluster, under its lock, and says of each whether it changed anything."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcci.clients.helm import storage
from mcci.clients.kubernetes.api import DEPLOYMENT, SECRET
from mcci.clients.kubernetes.statuses import holds
from mcci.errors import McciError
from mcci.mesh.actions import Certify, Put, Upgrade
from mcci.mesh.place import gateway_address
from mcci.mesh.values import EAST_WEST

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcci.clients.helm.storage import StoredRelease
    from mcci.clients.kubernetes.api import ClusterApi, Kind, Object
    from mcci.clusters.leases import Held
    from mcci.mesh.actions import Action
    from mcci.mesh.place import Place

LEASE = "mcci-mesh"
RELEASES = ("istio-base", "istiod", EAST_WEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What became of an action."""

    cluster: str
    what: str
    changed: bool


@dataclass(slots=True, kw_only=True)
class Performer:
    """One cluster's work. `certify` returns a fresh Secret `cacerts`; `until` is by `time.monotonic`."""

    place: Place
    namespace: str
    until: float
    say: Callable[[str, str], None]
    certify: Callable[[str], Object] | None = None
    held: Held | None = None

    def perform(self, action: Action) -> Step:
        """Do one thing. Raises what the cluster and helm raise, and `McciError` when time is up."""
        if self.held:
            self.held.check()
        match action:
            case Put(kind=kind, body=body):
                changed = put(self.place.api, kind, body)
            case Certify():
                assert self.certify is not None
                changed = put(self.place.api, SECRET, self.certify(self.place.name))
            case Upgrade():
                changed = self._upgrade(action)
        if changed:
            self.say(self.place.name, f"{action.words}: done")
        return Step(cluster=self.place.name, what=action.words, changed=changed)

    def recover(self) -> None:
        """Mark what a helm that died left pending as failed: the lock is ours, so none of mcci's is at it."""
        for secret in self.place.api.list(SECRET, self.namespace, labels=storage.UNSETTLED):
            release = storage.read(secret)
            if release.status in storage.PENDING and release.name in RELEASES:
                self.say(self.place.name, f"{release.name}: was left {release.status} by a job that died")
                self.place.api.replace(SECRET, storage.marked_failed(secret))

    def address(self) -> str:
        """Return the address of the east-west gateway as soon as the load balancer has given it one.

        Raises `McciError` when time is up.
        """
        if self.place.member.eastwest:
            return self.place.member.eastwest
        while not (found := gateway_address(self.place.api, self.namespace)):
            if time.monotonic() > self.until:
                raise McciError(
                    f"{self.place.name}: the load balancer has given the east-west gateway no address. Give the one "
                    "at which the other clusters reach it with `eastwest` of the cluster in mcci.yml."
                )
            time.sleep(1)
        return found

    def _upgrade(self, action: Upgrade) -> bool:
        release, api = action.release, self.place.api
        stored = releases(api, self.namespace).get(release.name)
        changed = not action.is_made(stored)
        if changed:
            left = max(1.0, self.until - time.monotonic())
            self._helm(action, left)
            stored = releases(api, self.namespace).get(release.name)
        if action.waits and stored:
            self._wait(stored)
        return changed

    def _helm(self, action: Upgrade, seconds: float) -> None:
        """Run helm beside this thread: when this is interrupted, helm is ended too, and does not go on by itself."""
        helm, release = self.place.helm, action.release
        assert helm is not None
        pool = ThreadPoolExecutor(1)
        try:
            pool.submit(
                helm.upgrade, release.name, action.chart.folder, release.values, self.namespace,
                description=action.mark, timeout=seconds,
            ).result()  # fmt: skip
        except BaseException:
            helm.stop()
            raise
        finally:
            pool.shutdown()

    def _wait(self, stored: StoredRelease) -> None:
        for name in deployments(stored.manifest):
            while (problem := unready(self.place.api.get(DEPLOYMENT, name, self.namespace))) is not None:
                if time.monotonic() > self.until:
                    raise McciError(
                        f"{self.place.name}: {name} did not get ready in time: {problem}. "
                        f"`kubectl --namespace {self.namespace} describe deployment {name}` tells more; run this again."
                    )
                time.sleep(0.5)


def put(api: ClusterApi, kind: Kind, body: Object) -> bool:
    """Bring an object about, and return whether it had to be changed."""
    current = api.get(kind, body["metadata"]["name"], body["metadata"].get("namespace", ""))
    if current is not None and holds(current, body):
        return False
    api.apply(kind, body, force=True)
    return True


def releases(api: ClusterApi, namespace: str) -> dict[str, StoredRelease]:
    """Return the newest revision of each release by name."""
    found: dict[str, StoredRelease] = {}
    for secret in api.list(SECRET, namespace, labels=storage.CURRENT):
        release = storage.read(secret)
        if release.name not in found or found[release.name].revision < release.revision:
            found[release.name] = release
    return found


def deployments(manifest: str) -> tuple[str, ...]:
    """Return the names of the Deployments in what a release was rendered to."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found = yaml.load_all(manifest, Loader=loader)
    return tuple(each["metadata"]["name"] for each in found if each and each.get("kind") == "Deployment")


def unready(deployment: Object | None) -> str | None:
    """Return why a Deployment is not ready; None where it is."""
    if deployment is None:
        return "it is not there"
    status, wanted = deployment.get("status") or {}, deployment["spec"].get("replicas", 1)
    if int(status.get("observedGeneration") or 0) < int(deployment["metadata"].get("generation") or 0):
        return "its controller has not seen it"
    ready, updated = int(status.get("availableReplicas") or 0), int(status.get("updatedReplicas") or 0)
    return None if min(ready, updated) >= wanted else f"{min(ready, updated)} of {wanted} pods are available"
