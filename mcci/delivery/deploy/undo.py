"""Back to what was running: each release that a failed deploy touched is upgraded to what it was, or removed.

Never by `helm rollback`, which would bring old weights back: the chart and the values of the revision that was in
effect are taken from Helm's own record, and the traffic gets the weights that it has.
"""

from __future__ import annotations

import tempfile
import threading
import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcci.canary import traffic as live_traffic
from mcci.canary.state import name_of
from mcci.clients.helm import storage
from mcci.clients.helm.failures import HelmUnreachable
from mcci.clients.kubernetes.api import CONFIG_MAP, VIRTUAL_SERVICE, Unreachable
from mcci.delivery.deploy.watch import Rollouts
from mcci.errors import ExitCode, McciError, ServiceFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcci.clients.helm.storage import StoredRelease
    from mcci.delivery.deploy.apply import Apply, Undo

PAUSE = 2.0  # seconds between two attempts at a cluster that does not answer


class RolledBack(McciError):
    """The deploy failed, and the cluster runs what it ran before."""

    exit_code = ExitCode.ROLLED_BACK


class NotRolledBack(ServiceFailed):
    """The deploy failed, and so did bringing back what was running: the next run, or a rollback, repairs it."""


def undo(apply: Apply, deadline: float, locked: Callable[[str], Any]) -> tuple[str, ...]:
    """Bring back what `apply` changed, the last step first; return the releases and states that went back.

    `locked(service)` is a context that holds the lock on the service's traffic. Raises `NotRolledBack`.
    """
    done: list[str] = []
    try:
        for entry in reversed(apply.undo):
            for each in apply.held:
                each.check()
            apply.session.at(apply.target.name)(_words(entry))
            with locked(entry.service) if _is_traffic(entry) else nullcontext():
                _patiently(partial(_one, apply, entry, deadline), deadline)
            done.append(f"{entry.service}'s state" if entry.state else entry.release)
        _wait(apply, deadline)
    except McciError as error:
        left = len(apply.undo) - len(done)
        raise NotRolledBack(
            f"{apply.target.name}: what was running could not be brought back ({left} of {len(apply.undo)} left): "
            f"{error} Run the deploy again, or `mcci rollback`: both go on from here."
        ) from error
    return tuple(done)


def _one(apply: Apply, entry: Undo, deadline: float) -> None:
    namespace, helm = apply.session.namespace, apply.target.helm
    timeout = max(1.0, deadline - time.monotonic())
    if entry.state:
        _restore_state(apply, entry)
        return
    if entry.before is None:
        helm.uninstall(entry.release, namespace, timeout=timeout)
        return
    with tempfile.TemporaryDirectory(prefix="mcci-chart-") as folder:
        chart = Path(folder, entry.before.chart_name or "chart")
        for name, data in storage.chart_files(entry.before).items():
            path = (chart / name).resolve()
            if path.is_relative_to(chart.resolve()):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
        values = (
            _with_weights(entry.before, _weights(apply, entry.service)) if _is_traffic(entry) else entry.before.config
        )
        helm.upgrade(entry.release, chart, values, namespace, description=entry.before.description, timeout=timeout)


def _weights(apply: Apply, service: str) -> Mapping[str, int]:
    """Return the weights that the traffic has now."""
    found = apply.target.api.get(VIRTUAL_SERVICE, service, apply.session.namespace)
    return live_traffic.weights(found, service) if found and live_traffic.routes(found, service) else {}


def _with_weights(before: StoredRelease, weights: Mapping[str, int]) -> dict[str, Any]:
    """Return the values of a revision, with live weights in place of its own where it splits traffic."""
    values = dict(before.config)
    if not weights or not values.get("weights"):
        return values
    subsets = [str(each["name"]) for each in values.get("subsets") or []]
    if any(weight and name not in subsets for name, weight in weights.items()):
        return values
    return {**values, "weights": [{"subset": name, "weight": weights.get(name, 0)} for name in subsets]}


def _restore_state(apply: Apply, entry: Undo) -> None:
    api, namespace = apply.target.api, apply.session.namespace
    name = name_of(entry.service)
    now = api.get(CONFIG_MAP, name, namespace)
    if entry.config_map is None:
        if now is not None:
            api.delete(CONFIG_MAP, name, namespace)
    elif now is not None:
        api.replace(CONFIG_MAP, {**now, "data": entry.config_map["data"]})


def _wait(apply: Apply, deadline: float) -> None:
    """Wait until the versions that were brought back are ready again."""
    say = apply.session.at(apply.target.name)
    rollouts = Rollouts(apply.target.api, apply.session.namespace, say, threading.Event())
    try:
        for entry in apply.undo:
            config = entry.before.config if entry.before else {}
            image = config.get("image") or {}
            if config.get("version") and image.get("digest"):
                labels = {"app": str(config["app"]), "version": str(config["version"])}
                wanted = f"{image['repository']}@{image['digest']}"
                rollouts.wait(f"{config['app']}-{config['version']}", wanted, labels, deadline)
    finally:
        rollouts.close()


def _patiently(act: Callable[[], None], deadline: float) -> None:
    """Do something again while the cluster does not answer, until `deadline`."""
    while True:
        try:
            act()
        except (HelmUnreachable, Unreachable):
            if time.monotonic() + PAUSE >= deadline:
                raise
            time.sleep(PAUSE)
        else:
            return


def _words(entry: Undo) -> str:
    if entry.state:
        return f"{entry.service}: back to the canary's state of before"
    return f"{entry.release}: {f'back to revision {entry.before.revision}' if entry.before else 'removed again'}"


def _is_traffic(entry: Undo) -> bool:
    return entry.state or entry.release == f"{entry.service}-traffic"
