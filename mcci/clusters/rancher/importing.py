"""An existing cluster, brought into Rancher: an object there, Rancher's agent here, and both have met.

Everything is looked at before anything is changed, and each step is one that a second run finds done.

Source: https://ranchermanager.docs.rancher.com/how-to-guides/new-user-guides/kubernetes-clusters-in-rancher-setup/register-existing-clusters
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcci.clients.kubernetes.api import DEPLOYMENT, Conflict, Kind, NotAllowed
from mcci.clusters.rancher import manifest, objects, state, waiting
from mcci.errors import McciError, UsageError

if TYPE_CHECKING:
    from mcci.clients.kubernetes.api import ClusterApi
    from mcci.clients.rancher import Rancher
    from mcci.clusters.rancher.state import State

ANYTHING = Kind(group="*", kind="*", plural="*", namespaced=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done: make the object in Rancher (`create`), set its agent up in the cluster (`register`)."""

    name: str
    create: bool
    register: bool
    state: State | None = None

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps in words; none where all is done."""
        steps = [f"make the cluster {self.name} in Rancher"] if self.create else []
        steps += [f"apply Rancher's agent to {self.name}, and wait until it is active"] if self.register else []
        return tuple(steps)


def plan(rancher: Rancher, api: ClusterApi, name: str) -> Plan:
    """Look at both sides, and return what is to be done; nothing is changed.

    Raises `NotAllowed` where a right lacks on either side, and `McciError` where one of them belongs to somebody else.
    """
    rancher.check()
    found = rancher.cluster(name)
    if found is None:
        rancher.require("create", name)
    said = state.read(found) if found is not None else None
    if said is not None:
        waiting.refuse_removed(name, said)
        if said.made:
            raise UsageError(f"{name}: Rancher makes this cluster itself. Use `mcci clusters create {name}`.")
    if not api.allowed("*", ANYTHING):
        raise NotAllowed(
            f"{name}: Rancher's agent gets an administrator's rights, and these credentials have none to give. Use a "
            "kubeconfig of a cluster-admin."
        )
    _refuse_strangers(rancher, api, name, said)
    return Plan(name=name, create=said is None, register=said is None or not said.active, state=said)


def _refuse_strangers(rancher: Rancher, api: ClusterApi, name: str, said: State | None) -> None:
    agent = api.get(DEPLOYMENT, manifest.AGENT, manifest.SYSTEM)
    other = manifest.registered_at(agent)
    if other and other not in rancher.addresses():
        raise McciError(
            f"{name}: the agent of another Rancher runs in this cluster, that of {other}. Remove the cluster there "
            "first; a cluster belongs to one Rancher."
        )
    if agent is None and said is not None and said.active:
        raise McciError(
            f"{name}: Rancher has an active cluster of this name, and it is another one: no agent of Rancher's runs in "
            "the cluster that your kubeconfig reaches. Correct the kubeconfig, or the name."
        )


def perform(rancher: Rancher, api: ClusterApi, planned: Plan, patience: waiting.Patience) -> State:
    """Do what is planned, and return the cluster's state, active. Raises `ServiceFailed` when that takes too long."""
    name = planned.name
    if planned.create:
        try:
            rancher.create(objects.imported(name, rancher.namespace))
        except Conflict as error:
            raise waiting.taken(name) from error
    if not planned.register:
        return waiting.active(rancher, name, patience)
    identity = waiting.identified(rancher, name, patience)
    registration = waiting.registration(rancher, name, identity.id, patience)
    wanted = manifest.read(rancher.manifest(registration))
    for kind, body in wanted:
        api.apply(kind, body, force=True)  # as `kubectl apply` of Rancher's own command does
    patience.say(f"{name}: {len(wanted)} objects of Rancher's agent are applied")
    return waiting.active(rancher, name, patience)
