"""An RKE2 cluster that Rancher makes, of machines of its own or of nodes that people register.

Everything is looked at before anything is changed, and a second run changes only what mcci.yml says anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcci.clients.kubernetes.api import SECRET, Conflict
from mcci.clusters.rancher import objects, state, waiting
from mcci.errors import McciError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcci.clients.kubernetes.api import Object
    from mcci.clients.rancher import Rancher
    from mcci.clusters.rancher.state import State
    from mcci.config.model import Cluster, Config
    from mcci.config.rancher import Rke2

_SCRIPT = """\
# Registers this node at the cluster {name} in Rancher. It holds a token. Run it as root, with the roles of the node:
#   sh {file} --etcd --controlplane --worker
{command} "$@"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done: `current` is None where the cluster is not in Rancher yet; `changes` in words."""

    name: str
    wanted: Object
    current: Object | None
    changes: tuple[str, ...]
    custom: bool  # its nodes are registered by people

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps in words; none where all is done."""
        if self.current is None:
            pools = self.wanted["spec"]["rkeConfig"].get("machinePools") or ()
            machines = ", ".join(f"{each['quantity']} {each['name']}" for each in pools)
            kind = f"of the machines {machines}" if machines else "of nodes that you register"
            version = self.wanted["spec"]["kubernetesVersion"]
            return (f"make the cluster {self.name} in Rancher: RKE2 {version}, {kind}",)
        return tuple(f"change {each}" for each in self.changes)


def plan(rancher: Rancher, config: Config, cluster: Cluster) -> Plan:
    """Look at Rancher, and return what is to be done; nothing is changed.

    Raises `NotAllowed` where a right lacks, and `McciError` where what the cluster is to be made of is not there, or
    what is there cannot become it.
    """
    if cluster.rke2 is None:
        raise UsageError(f"mcci.yml does not say what {cluster.name} is made of: give it an 'rke2' section.")
    rancher.check()
    wanted = objects.wanted(config, cluster)
    current = rancher.cluster(cluster.name)
    if current is not None:
        waiting.refuse_removed(cluster.name, state.read(current))
        if not state.read(current).made:
            raise UsageError(
                f"{cluster.name}: this cluster was imported into Rancher, and cannot become one that Rancher makes."
            )
    changes = objects.differences(current, wanted) if current is not None else ()
    if current is None or changes:
        rancher.require("update" if changes else "create", cluster.name)
        _refuse_missing(rancher, cluster.name, cluster.rke2)
    return Plan(
        name=cluster.name, wanted=wanted, current=current, changes=changes, custom=not cluster.rke2.pools
    )  # fmt: skip


def _refuse_missing(rancher: Rancher, name: str, rke2: Rke2) -> None:
    for kind, config in objects.machine_configs(rke2):
        if not rancher.has(kind, config, rancher.namespace):
            raise McciError(
                f"{name}: Rancher has no machine configuration {kind.kind}/{config} in {rancher.namespace}. Make it "
                f"there (`kubectl apply`, apiVersion {kind.api_version}), or correct 'machine_config'."
            )
    if not rke2.credential:
        return
    namespace, _, secret = rke2.credential.partition(":")
    if not rancher.has(SECRET, secret, namespace):
        raise McciError(f"{name}: Rancher has no cloud credential {rke2.credential}. Make it there, or correct it.")


def perform(
    rancher: Rancher, planned: Plan, patience: waiting.Patience, keep: Callable[[str], None] | None = None
) -> State:
    """Do what is planned, and return the cluster's state, which is active.

    `keep` is given the script with which a node registers, where people register them. Raises `ServiceFailed` when the
    cluster takes long, and `Conflict` where somebody has changed it meanwhile.
    """
    name = planned.name
    if planned.current is None:
        try:
            rancher.create(planned.wanted)
        except Conflict as error:
            raise waiting.taken(name) from error
    elif planned.changes:
        rancher.replace(objects.changed(planned.current, planned.wanted))
    if keep and planned.custom:
        identity = waiting.identified(rancher, name, patience)
        registration = waiting.registration(rancher, name, identity.id, patience)
        keep(registration.node_command)
    return waiting.active(rancher, name, patience)


def script(name: str, file: str, command: str) -> str:
    """Return the shell script that registers a node; `command` is Rancher's. Raises `McciError` where there is none."""
    if not command.strip():
        raise McciError(f"{name}: Rancher gives no command to register nodes with.")
    return _SCRIPT.format(name=name, file=file, command=" ".join(command.split()))
