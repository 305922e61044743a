"""What mcci.yml says of a cluster, as Rancher's object; and how an object that is there becomes that. Pure.

Source: https://ranchermanager.docs.rancher.com/reference-guides/cluster-configuration/rancher-server-configuration/rke2-cluster-configuration
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from mcci.clients.kubernetes.api import Kind
from mcci.config.choices import PoolRole
from mcci.config.rancher import RKE2_RANGES
from mcci.errors import McciError

if TYPE_CHECKING:
    from mcci.clients.kubernetes.api import Object
    from mcci.config.model import Cluster, Config
    from mcci.config.rancher import Pool, Rke2

# what RKE2 takes once, when a cluster is made, and what it is where nothing is said
_FIXED = dict(zip(("cluster-cidr", "service-cidr", "cni"), (*RKE2_RANGES, "canal"), strict=True))


def imported(name: str, namespace: str) -> Object:
    """Return the object of a cluster that exists already: one without `rkeConfig`."""
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {}}


def wanted(config: Config, cluster: Cluster) -> Object:
    """Return the object of a cluster that Rancher is to make. `cluster` has `rke2`."""
    assert cluster.rke2 is not None
    pods, services = config.ranges_of(cluster)
    rke2 = cluster.rke2
    settings = {**rke2.settings, "cni": rke2.cni, "cluster-cidr": pods, "service-cidr": services}
    spec: Object = {"kubernetesVersion": rke2.version, "rkeConfig": {"machineGlobalConfig": settings}}
    if rke2.pools:
        spec["rkeConfig"]["machinePools"] = [_pool(pool) for pool in rke2.pools.values()]
    if rke2.credential:
        spec["cloudCredentialSecretName"] = rke2.credential
    return {"metadata": {"name": cluster.name, "namespace": config.rancher.namespace}, "spec": spec}


def _pool(pool: Pool) -> Object:
    kind, _, name = pool.machine_config.partition("/")
    return {
        "name": pool.name,
        "quantity": pool.quantity,
        "etcdRole": PoolRole.ETCD in pool.roles,
        "controlPlaneRole": PoolRole.CONTROL_PLANE in pool.roles,
        "workerRole": PoolRole.WORKER in pool.roles,
        "machineConfigRef": {"kind": kind, "name": name},
    }


def machine_configs(rke2: Rke2) -> tuple[tuple[Kind, str], ...]:
    """Return the objects that the pools refer to, each once, by kind and name."""
    found: dict[tuple[Kind, str], None] = {}
    for pool in rke2.pools.values():
        kind, _, name = pool.machine_config.partition("/")
        where = Kind(group="rke-machine-config.cattle.io", kind=kind, plural=f"{kind.lower()}s")
        found[where, name] = None
    return tuple(found)


def differences(current: Object, new: Object) -> tuple[str, ...]:
    """Return in words in what `current` is not yet as `new`; what `new` does not speak of does not count.

    Raises `McciError` for what cannot be changed, or should not be by accident: ranges, the network plug-in, a pool
    that mcci.yml no longer has.
    """
    name, had, wants = new["metadata"]["name"], _flat(current), _flat(new)
    for key, default in _FIXED.items():
        setting = f"machineGlobalConfig.{key}"
        if had.setdefault(setting, default) != wants[setting]:
            raise McciError(
                f"{name}: its '{key}' is {had[setting]}, mcci.yml says {wants[setting]}, and RKE2 takes it only when a "
                "cluster is made. Correct mcci.yml, or make a cluster of another name."
            )
    gone = sorted(set(_pools(current)) - set(_pools(new)))
    if gone:
        raise McciError(
            f"{name}: Rancher has the pool {', '.join(gone)}, and mcci.yml has not. Its machines would be deleted: do "
            "that in Rancher, or describe it."
        )
    different = (key for key, value in wants.items() if (had.get(key) or False) != (value or False))
    return tuple(f"{key}: {had.get(key, 'none')} → {wants[key]}" for key in different)


def changed(current: Object, new: Object) -> Object:
    """Return `current` as `new` has it, with all that `new` does not speak of."""
    result = copy.deepcopy(current)
    rke, after = result["spec"]["rkeConfig"], new["spec"]["rkeConfig"]
    result["spec"].update({key: value for key, value in new["spec"].items() if key != "rkeConfig"})
    rke["machineGlobalConfig"] = {**_mapping(rke.get("machineGlobalConfig")), **after["machineGlobalConfig"]}
    pools = _pools(current)
    if _pools(new):
        rke["machinePools"] = [_over(pools.get(name, {}), each) for name, each in _pools(new).items()]
    return result


def _flat(cluster: Object) -> dict[str, Any]:
    """Return what this module speaks of, each value by its place."""
    spec = _mapping(cluster.get("spec"))
    found: dict[str, Any] = {
        key: spec[key] for key in ("kubernetesVersion", "cloudCredentialSecretName") if key in spec
    }
    settings = _mapping(_mapping(spec.get("rkeConfig")).get("machineGlobalConfig"))
    found |= {f"machineGlobalConfig.{key}": value for key, value in settings.items()}
    for name, pool in _pools(cluster).items():
        found |= {f"{name}.{key}": value for key, value in pool.items() if key != "machineConfigRef"}
        reference = _mapping(pool.get("machineConfigRef"))
        found[f"{name}.machineConfigRef"] = f"{reference.get('kind')}/{reference.get('name')}"
    return found


def _pools(cluster: Object) -> dict[str, Object]:
    listed = _mapping(_mapping(cluster.get("spec")).get("rkeConfig")).get("machinePools")
    return {str(each.get("name")): each for each in listed or () if isinstance(each, dict)}


def _over(old: Object, new: Object) -> Object:
    return {**old, **new, "machineConfigRef": {**_mapping(old.get("machineConfigRef")), **new["machineConfigRef"]}}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
