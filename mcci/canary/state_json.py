"""The canary's state as JSON, and the ConfigMap that holds it: dumped and read back without a loss. Pure."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mcci.canary.state import KEY, LEADER, SCHEMA, TOKEN, Action, Actor, Entry, Intent, Phase, State, name_of
from mcci.errors import McciError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.clients.kubernetes.api import Object

MANAGED_BY = "app.kubernetes.io/managed-by"


class DamagedState(McciError):
    """The ConfigMap does not hold what mcci wrote."""


def config_map(state: State, namespace: str, token: int, leader: str, old: Object | None = None) -> Object:
    """Return the ConfigMap that holds `state`; with `old`, the same object at the same resourceVersion."""
    metadata: dict[str, Any] = {"name": name_of(state.service), "namespace": namespace}
    before = old["metadata"] if old else {}
    if "resourceVersion" in before:
        metadata["resourceVersion"] = before["resourceVersion"]
    metadata["labels"] = {**(before.get("labels") or {}), MANAGED_BY: "mcci", "app": state.service}
    metadata["annotations"] = {**(before.get("annotations") or {}), TOKEN: str(token), LEADER: leader}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {KEY: dump(state)}}


def read(config_map: Object, cluster: str = "") -> State:
    """Return the state in a ConfigMap. Raises `DamagedState` where it holds none, naming the cluster."""
    name = config_map.get("metadata", {}).get("name", "")
    where = f"the ConfigMap {name}{f' of {cluster}' if cluster else ''}"
    try:
        return load((config_map.get("data") or {})[KEY])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DamagedState(
            f"{where} is not what mcci writes ({type(error).__name__}: {error}). Delete it and deploy again: "
            "the weights stay as they are."
        ) from error


def dump(state: State) -> str:
    """Return the state as JSON text."""
    return json.dumps(body(state), indent=1, ensure_ascii=False)


def body(state: State) -> dict[str, Any]:
    """Return the state as JSON has it."""
    return {
        "schema": SCHEMA,
        "service": state.service,
        "stable": state.stable,
        "canary": state.canary,
        "phase": state.phase.value,
        "plan": list(state.plan),
        "step": state.step,
        "weights": dict(state.weights),
        "replicas": state.replicas,
        "release": state.release,
        **_actor(state.actor),
        "since": _time(state.since),
        "previous": state.previous,
        "keep_until": _time(state.keep_until) if state.keep_until else "",
        "without": list(state.without),
        "intent": _intent(state.intent) if state.intent else None,
        "judged": dict(state.judged),
        "verdict": state.verdict,
        "revision": state.revision,
        "history": [entry_body(entry) for entry in state.history],
    }


def load(text: str) -> State:
    """Return the state in a JSON text. Raises `ValueError`, `KeyError`, `TypeError` or `AttributeError` for another."""
    found = json.loads(text)
    if found.get("schema") != SCHEMA:
        raise ValueError(f"the schema is {found.get('schema')!r}, this mcci reads {SCHEMA}")
    return State(
        service=_text(found, "service"),
        stable=_text(found, "stable"),
        canary=_text(found, "canary"),
        phase=Phase(found["phase"]),
        plan=tuple(int(weight) for weight in found["plan"]),
        step=int(found["step"]),
        weights=_weights(found["weights"]),
        replicas=int(found["replicas"]),
        release=_text(found, "release"),
        actor=_read_actor(found),
        since=_read_time(found["since"]),
        previous=_text(found, "previous"),
        keep_until=_read_time(found["keep_until"]) if found["keep_until"] else None,
        without=tuple(found["without"]),
        intent=_read_intent(found["intent"]) if found["intent"] else None,
        judged=dict(found["judged"]),
        verdict=_text(found, "verdict"),
        revision=int(found["revision"]),
        history=tuple(_read_entry(entry) for entry in found["history"]),
    )


def entry_body(entry: Entry) -> dict[str, Any]:
    """Return a line of the history as JSON has it."""
    return {
        "action": entry.action.value,
        "at": _time(entry.at),
        **_actor(entry.actor),
        "version": entry.version,
        "step": entry.step,
        "weights": dict(entry.weights),
        "verdict": entry.verdict,
        "why": entry.why,
        "forced": list(entry.forced),
        "without": list(entry.without),
        "skew": entry.skew,
        "evidence": dict(entry.evidence),
    }


def _read_entry(found: Mapping[str, Any]) -> Entry:
    return Entry(
        action=Action(found["action"]),
        at=_read_time(found["at"]),
        actor=_read_actor(found),
        version=_text(found, "version"),
        step=int(found["step"]),
        weights=_weights(found["weights"]),
        verdict=_text(found, "verdict"),
        why=_text(found, "why"),
        forced=tuple(found["forced"]),
        without=tuple(found["without"]),
        skew=None if found["skew"] is None else float(found["skew"]),
        evidence=dict(found["evidence"]),
    )


def _intent(intent: Intent) -> dict[str, Any]:
    return {
        "action": intent.action.value,
        "source": dict(intent.source),
        "target": dict(intent.target),
        "step": intent.step,
        **_actor(intent.actor),
        "at": _time(intent.at),
        "token": intent.token,
        "judged": dict(intent.judged),
    }


def _read_intent(found: Mapping[str, Any]) -> Intent:
    return Intent(
        action=Action(found["action"]),
        source=_weights(found["source"]),
        target=_weights(found["target"]),
        step=int(found["step"]),
        actor=_read_actor(found),
        at=_read_time(found["at"]),
        token=int(found["token"]),
        judged=dict(found["judged"]),
    )


def _actor(actor: Actor) -> dict[str, Any]:
    pipeline = {"id": actor.pipeline, "url": actor.pipeline_url}
    return {"who": actor.who, "pipeline": pipeline, "job_url": actor.job_url}


def _read_actor(found: Mapping[str, Any]) -> Actor:
    pipeline = found["pipeline"]
    return Actor(
        who=_text(found, "who"),
        pipeline=None if pipeline["id"] is None else int(pipeline["id"]),
        pipeline_url=_text(pipeline, "url"),
        job_url=_text(found, "job_url"),
    )


def _weights(found: Mapping[str, Any]) -> dict[str, int]:
    return {str(version): int(weight) for version, weight in found.items()}


def _text(found: Mapping[str, Any], key: str) -> str:
    value = found[key]
    if not isinstance(value, str):
        raise TypeError(f"{key} is {value!r}, not a text")
    return value


def _time(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _read_time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
