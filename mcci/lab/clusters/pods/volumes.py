"""A pod's volumes, as folders of the node: ConfigMaps, Secrets, the downward API, and empty ones to write to."""

from __future__ import annotations

import os
import posixpath
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.pods.environment import field_of
from mcci.lab.clusters.pods.model import ConfigFailed, Mount

if TYPE_CHECKING:
    from pathlib import Path

    from mcci.lab.clusters.pods.model import Lookup

Object = dict[str, Any]
Files = dict[str, bytes]


def files_of(volume: Object, pod: Object, address: str, lookup: Lookup) -> Files:
    """Return the files that a volume has from the start: path → content. Raises `ConfigFailed`."""
    if "emptyDir" in volume:
        return {}
    if "projected" in volume:
        found: Files = {}
        for source in volume["projected"].get("sources") or ():
            found |= {} if "serviceAccountToken" in source else files_of(source, pod, address, lookup)
        return found
    if "downwardAPI" in volume:
        items = volume["downwardAPI"].get("items") or ()
        return {
            each["path"]: field_of(each["fieldRef"]["fieldPath"], pod, address).encode()
            for each in items
            if "fieldRef" in each
        }
    for key, kind, name in (("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName")):
        if key in volume:
            return _data(volume[key], kind, volume[key].get(name) or volume[key].get("name", ""), lookup)
    what = next((key for key in volume if key != "name"), "nothing")
    raise ConfigFailed(f"the lab has no volumes of type {what}")


def _data(source: Object, kind: str, name: str, lookup: Lookup) -> Files:
    data = lookup(kind, name)
    if data is None:
        if source.get("optional"):
            return {}
        raise ConfigFailed(f'{kind.lower()} "{name}" not found')
    if not source.get("items"):
        return data
    missing = [each["key"] for each in source["items"] if each["key"] not in data]
    if missing and not source.get("optional"):
        raise ConfigFailed(f"references non-existent config key: {missing[0]}")
    return {each["path"]: data[each["key"]] for each in source["items"] if each["key"] in data}


def prepare(folder: Path, pod: Object, address: str, lookup: Lookup) -> dict[str, Path]:
    """Make the pod's volumes below `folder`; return where each is. Raises `ConfigFailed`, naming the volume."""
    made: dict[str, Path] = {}
    security = pod["spec"].get("securityContext") or {}
    for volume in pod["spec"].get("volumes") or ():
        place = made[volume["name"]] = folder / volume["name"]
        try:
            files = files_of(volume, pod, address, lookup)
        except ConfigFailed as error:
            raise ConfigFailed(f'MountVolume.SetUp failed for volume "{volume["name"]}" : {error}') from error
        place.mkdir(parents=True, exist_ok=True)
        for path, data in files.items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_bytes(data)
            (place / path).chmod(0o644)
        place.chmod(0o777)
        group = security.get("fsGroup")
        if group is not None:
            with suppress(PermissionError):  # only root may give files away; 0777 does without
                os.chown(place, -1, int(group))
    return made


def mounts(container: Object, volumes: dict[str, Path]) -> tuple[Mount, ...]:
    """Return what a container mounts of the pod's volumes."""
    found = []
    for mount in container.get("volumeMounts") or ():
        if mount["name"] not in volumes:
            raise ConfigFailed(f'the volume "{mount["name"]}" is not among the pod\'s')
        part = posixpath.normpath(mount.get("subPath") or ".")
        source = volumes[mount["name"]] / part
        if part != "." and not source.exists():
            source.mkdir(parents=True)
            source.chmod(0o777)
        found.append(Mount(source=source, target=mount["mountPath"], read_only=bool(mount.get("readOnly"))))
    return tuple(found)
