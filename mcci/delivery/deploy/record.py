"""What an environment runs on a cluster: the release, the pipeline that brought it, and the good ones before; pure.

It is written last, when everything is ready, so a release that stands here was good. A job of an older pipeline than
the one recorded is stale.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mcci.clients.registry import reference
from mcci.clients.registry.reference import Reference
from mcci.errors import ExitCode, McciError

if TYPE_CHECKING:
    from mcci.clients.kubernetes.api import Object

NAME = "mcci-environment"
KEY = "record"
SCHEMA = "mcci.environment/1"
TOKEN = "mcci.io/token"  # noqa: S105 - a fencing token, no secret
MANAGED_BY = "app.kubernetes.io/managed-by"
KEPT = 10  # earlier releases


class Stale(McciError):
    """A newer pipeline has already written this environment."""

    exit_code = ExitCode.STALE


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One service of a recorded release."""

    image: Reference
    version: str
    commit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """A release that was good on this cluster, and the pipeline (None at a terminal) that brought it."""

    release: str
    pipeline: int | None
    pipeline_url: str
    images: Mapping[str, Recorded]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The environment on one cluster. `previous` are earlier good releases, the newest first."""

    now: Good
    previous: tuple[Good, ...] = field(default=())


def check_fresh(record: Record | None, pipeline: int | None, cluster: str) -> None:
    """Raise `Stale` where a pipeline newer than `pipeline` wrote the record. At a terminal (None) nothing is stale."""
    written = record.now.pipeline if record else None
    if record and pipeline is not None and written is not None and written > pipeline:
        raise Stale(
            f"{cluster}: this job is stale: pipeline {written} ({record.now.pipeline_url or 'no address recorded'}) is "
            f"newer than {pipeline}, and has written release {record.now.release or '(none)'} already. Nothing was "
            "changed. To go back on purpose, use that pipeline's rollback, or `mcci rollback` at a terminal."
        )


def deployed(old: Record | None, now: Good) -> Record:
    """Return the record after a good deploy; services that it did not touch keep what they had."""
    if old is None:
        return Record(now=now)
    merged = replace(now, images={**old.now.images, **now.images})
    changed = _digests(merged) != _digests(old.now) or merged.release != old.now.release
    return Record(now=merged, previous=(old.now, *old.previous)[:KEPT] if changed else old.previous)


def rolled_back(old: Record, to: Good, now: Good) -> Record:
    """Return the record after a rollback to `to`: what came after it is no longer among the good ones."""
    later = old.previous.index(to) + 1 if to in old.previous else 0
    return Record(now=replace(now, images={**to.images, **now.images}), previous=old.previous[later:])


def read(config_map: Object | None, cluster: str) -> Record | None:
    """Return the record; None where there is none. Raises `McciError` for one that is damaged."""
    if config_map is None:
        return None
    try:
        found = json.loads(config_map["data"][KEY])
        if found["schema"] != SCHEMA:
            raise ValueError(f"its schema is {found['schema']}")
        return Record(now=_good(found), previous=tuple(_good(each) for each in found["previous"]))
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise McciError(
            f"{cluster}: the ConfigMap {NAME} is not what mcci writes ({error!r}). Look at it with `kubectl get "
            f"configmap {NAME} --output yaml`; with it deleted, the next deploy begins a new one."
        ) from error


def config_map(record: Record, namespace: str, token: int, old: Object | None) -> Object:
    """Return the ConfigMap that holds the record; with `old`, the same object at the same resourceVersion."""
    before = (old or {}).get("metadata", {})
    metadata: dict[str, Any] = {
        "name": NAME,
        "namespace": namespace,
        "labels": {**(before.get("labels") or {}), MANAGED_BY: "mcci"},
        "annotations": {**(before.get("annotations") or {}), TOKEN: str(token)},
    }
    if "resourceVersion" in before:
        metadata["resourceVersion"] = before["resourceVersion"]
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {KEY: dump(record)}}


def dump(record: Record) -> str:
    """Return the record as JSON text."""
    previous = [_body(each) for each in record.previous]
    return json.dumps({"schema": SCHEMA, **_body(record.now), "previous": previous}, indent=1)


def _body(good: Good) -> dict[str, Any]:
    images = {
        name: {"image": str(each.image), "version": each.version, "commit": each.commit}
        for name, each in good.images.items()
    }
    return {
        "release": good.release,
        "pipeline": {"id": good.pipeline, "url": good.pipeline_url},
        "images": images,
    }


def _good(found: Mapping[str, Any]) -> Good:
    pipeline = found["pipeline"]
    return Good(
        release=str(found["release"]),
        pipeline=None if pipeline["id"] is None else int(pipeline["id"]),
        pipeline_url=str(pipeline["url"]),
        images={name: _recorded(each) for name, each in found["images"].items()},
    )


def _recorded(found: Mapping[str, Any]) -> Recorded:
    image = reference.parse(str(found["image"]))
    if not image.digest:
        raise ValueError(f"the image {image} has no digest")
    return Recorded(image=image, version=str(found["version"]), commit=str(found.get("commit", "")))


def _digests(good: Good) -> dict[str, str]:
    return {name: each.image.digest for name, each in good.images.items()}
