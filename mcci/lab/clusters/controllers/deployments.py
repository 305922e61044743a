"""Deployments: a ReplicaSet for each pod template, scaled step by step, and a status that says how far it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.controllers import deployment_status, rollout
from mcci.lab.clusters.controllers.context import controlled, is_deleted, owner
from mcci.lab.clusters.resources import DEPLOYMENTS, REPLICA_SETS

if TYPE_CHECKING:
    from mcci.lab.clusters.controllers.context import Context
    from mcci.lab.clusters.resources import Resource

Object = dict[str, Any]
Objects = list[Object]
RESOURCE = DEPLOYMENTS
OWNS: tuple[Resource, ...] = (REPLICA_SETS,)
COMPONENT = "deployment-controller"
NOT_COPIED = ("kubectl.kubernetes.io/last-applied-configuration", rollout.REVISION)


def reconcile(context: Context, deployment: Object) -> float | None:
    """Bring a Deployment one step further; return the seconds until it must be looked at again."""
    metadata = deployment["metadata"]
    if is_deleted(deployment):
        return None
    owned = controlled(context.store.list(REPLICA_SETS, metadata["namespace"]), deployment)
    owned.sort(key=lambda each: (each["metadata"]["creationTimestamp"], each["metadata"]["name"]))
    new = next((each for each in owned if rollout.same_template(each, deployment)), None)
    old = [each for each in owned if each is not new]
    fresh = ""
    if not deployment["spec"].get("paused"):
        fresh, new = _as_newest(context, deployment, new, old)
        scaled = rollout.step(deployment, new, old)
        for name, replicas in scaled.items():
            _scale(context, deployment, name, replicas)
        if not scaled and not any(map(rollout.wanted, old)):
            for name in rollout.forgotten(deployment, old):
                context.store.delete(REPLICA_SETS, name, metadata["namespace"])
        current = {each["metadata"]["name"]: each for each in context.store.list(REPLICA_SETS, metadata["namespace"])}
        new = current.get(new["metadata"]["name"], new)
        old = [current[each["metadata"]["name"]] for each in old if each["metadata"]["name"] in current]
    return _write(context, deployment, new, old, fresh)


def _as_newest(context: Context, deployment: Object, new: Object | None, old: Objects) -> tuple[str, Object]:
    """Return why there is a new ReplicaSet (empty where not), and the template's one, of the highest revision."""
    metadata = deployment["metadata"]
    highest = max(map(rollout.revision, old), default=0)
    minimum = deployment["spec"].get("minReadySeconds", 0)
    fresh = ""
    if new is None:
        fresh = "NewReplicaSetCreated"
        new = context.store.create(REPLICA_SETS, _replica_set(deployment, highest + 1))
    elif rollout.revision(new) <= highest or new["spec"].get("minReadySeconds", 0) != minimum:
        fresh = "FoundNewReplicaSet" if rollout.revision(new) <= highest else ""
        number = max(rollout.revision(new), highest + 1 if fresh else 0)

        def edit(body: Object) -> None:
            body["metadata"].setdefault("annotations", {})[rollout.REVISION] = str(number)
            body["spec"]["minReadySeconds"] = minimum

        new = context.store.change(REPLICA_SETS, new["metadata"]["name"], metadata["namespace"], edit)
    _note_revision(context, deployment, str(rollout.revision(new)))
    return fresh, new


def _note_revision(context: Context, deployment: Object, number: str) -> None:
    metadata = deployment["metadata"]
    if (metadata.get("annotations") or {}).get(rollout.REVISION) != number:
        context.store.change(
            DEPLOYMENTS, metadata["name"], metadata["namespace"],
            lambda body: body["metadata"].setdefault("annotations", {}).update({rollout.REVISION: number}),
        )  # fmt: skip


def _replica_set(deployment: Object, number: int) -> Object:
    spec = deployment["spec"]
    mark = rollout.template_hash(spec["template"], deployment.get("status", {}).get("collisionCount", 0))
    template = json.loads(json.dumps(spec["template"]))
    labels = template.setdefault("metadata", {}).setdefault("labels", {})
    labels[rollout.HASH_LABEL] = mark
    selector = json.loads(json.dumps(spec["selector"]))
    selector.setdefault("matchLabels", {})[rollout.HASH_LABEL] = mark
    metadata = deployment["metadata"]
    copied = {key: value for key, value in (metadata.get("annotations") or {}).items() if key not in NOT_COPIED}
    return {
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {
            "name": f"{metadata['name']}-{mark}", "namespace": metadata["namespace"], "labels": dict(labels),
            "annotations": {**copied, rollout.REVISION: str(number), **_sizes(deployment)},
            "ownerReferences": [owner(DEPLOYMENTS, deployment)],
        },
        "spec": {
            "replicas": 0, "minReadySeconds": spec.get("minReadySeconds", 0), "selector": selector,
            "template": template,
        },
        "status": {"replicas": 0},
    }  # fmt: skip


def _sizes(deployment: Object) -> dict[str, str]:
    desired = rollout.wanted(deployment)
    return {rollout.DESIRED: str(desired), rollout.MAXIMUM: str(desired + rollout.bounds(deployment)[0])}


def _scale(context: Context, deployment: Object, name: str, replicas: int) -> None:
    before = 0

    def edit(body: Object) -> None:
        nonlocal before
        before = rollout.wanted(body)
        body["spec"]["replicas"] = replicas
        body["metadata"].setdefault("annotations", {}).update(_sizes(deployment))

    context.store.change(REPLICA_SETS, name, deployment["metadata"]["namespace"], edit)
    word = "up" if replicas > before else "down"
    message = f"Scaled {word} replica set {name} from {before} to {replicas}"
    context.event(DEPLOYMENTS, deployment, "ScalingReplicaSet", message, component=COMPONENT)


def _write(context: Context, deployment: Object, new: Object | None, old: Objects, fresh: str) -> float | None:
    now = context.now()

    def edit(body: Object) -> None:
        # the counts belong to the generation that was looked at
        seen = {**deployment, "status": body.get("status", {})}
        body["status"] = deployment_status.status_of(seen, new, old, now, fresh)

    metadata = deployment["metadata"]
    until = deployment_status.deadline(context.store.change(DEPLOYMENTS, metadata["name"], metadata["namespace"], edit))
    return max((until - now).total_seconds(), 0) + 0.1 if until else None
