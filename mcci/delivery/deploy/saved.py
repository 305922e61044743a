"""A plan in a file: what was shown and agreed to is what is done, or nothing is.

The file holds no values, which may be secret, but a digest over all of them; it is salted and slow to compute, so that
nobody finds a short secret by trying.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import TYPE_CHECKING, Any

from mcci.clients import files
from mcci.delivery.deploy.model import Upgrade
from mcci.errors import McciError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mcci.delivery.deploy.cluster import ClusterDeploy

SCHEMA = "mcci.plan/1"


class PlanDiffers(McciError):
    """What would be done is no longer what the plan says."""


def save(path: Path, clusters: Sequence[ClusterDeploy]) -> None:
    """Write what `clusters`, which are open, would do."""
    salt = secrets.token_hex(16)
    text = json.dumps({"schema": SCHEMA, "salt": salt, **_body(clusters), "digest": _digest(salt, clusters)}, indent=2)
    files.replace_all({path: text + "\n"})


def check(path: Path, clusters: Sequence[ClusterDeploy]) -> None:
    """Raise `PlanDiffers` unless `clusters` would do exactly what the plan says; `UsageError` for no plan."""
    try:
        found: Any = json.loads(files.read(path, advice="`mcci deploy --plan FILE` writes it."))
        if found["schema"] != SCHEMA:
            raise ValueError(found["schema"])
        salt, digest, steps = str(found["salt"]), found["digest"], found["steps"]
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is no plan that this mcci reads: `mcci deploy --plan FILE` writes one.") from error
    now = _body(clusters)
    for key, value in now.items():
        if key != "steps" and found.get(key) != value:
            raise PlanDiffers(
                f"{path}: the plan is for {key} {found.get(key)}, and this is {value}. Nothing was changed."
            )
    if steps != now["steps"]:
        gone = [_line(each) for each in steps if each not in now["steps"]]
        new = [_line(each) for each in now["steps"] if each not in steps]
        differences = [f"  - {line}" for line in gone] + [f"  + {line}" for line in new]
        raise PlanDiffers(
            "\n".join([f"{path}: the cluster, or what is wanted, has changed since:", *differences, _AGAIN])
        )
    if digest != _digest(salt, clusters):
        raise PlanDiffers(f"{path}: the values or the charts have changed since. {_AGAIN}")


_AGAIN = "Nothing was changed. Make the plan anew with --plan, and look at it."


def _body(clusters: Sequence[ClusterDeploy]) -> dict[str, Any]:
    session = clusters[0].session
    return {
        "environment": session.environment.name,
        "release": session.release.name,
        "steps": [step for cluster in clusters for step in _steps(cluster)],
    }


def _steps(cluster: ClusterDeploy) -> list[dict[str, Any]]:
    changing = {(each.step.release, each.step.why) for each in cluster.prepared()}
    return [
        {
            "cluster": cluster.name,
            "service": plan.service,
            "image": str(plan.image),
            "release": step.release,
            "action": _action(step, changing),
            "why": step.why,
            "traffic": dict(_weights(step)),
        }
        for plan in cluster.plans
        for step in plan.steps
    ]


def _action(step: Any, changing: set[tuple[str, str]]) -> str:
    if not isinstance(step, Upgrade):
        return "uninstall"
    return "upgrade" if (step.release, step.why) in changing else "unchanged"


def _weights(step: Any) -> dict[str, int]:
    if not isinstance(step, Upgrade):
        return {}
    return {each["subset"]: each["weight"] for each in step.own.get("weights", [])}


def _digest(salt: str, clusters: Sequence[ClusterDeploy]) -> str:
    fingerprints = [each.fingerprint for cluster in clusters for each in cluster.prepared()]
    text = json.dumps(fingerprints).encode()
    return hashlib.scrypt(text, salt=salt.encode(), n=2**14, r=8, p=1).hex()


def _line(step: dict[str, Any]) -> str:
    return f"{step['cluster']}: {step['action']} {step['release']} ({step['why']}, {step['image']})"
