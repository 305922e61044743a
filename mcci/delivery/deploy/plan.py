"""Which Helm releases a service needs on a cluster, in which order; pure. The rules are those of docs/decisions/0006.

In a production environment a new version comes beside the stable one, at weight 0; a first release, a service with
`canary: off` and every other environment are rolled out at once. Nothing here moves traffic: weights are passed on as
they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcci.canary import traffic as live_traffic
from mcci.delivery.deploy.model import (
    Chart,
    Parts,
    Running,
    ServicePlan,
    Situation,
    Step,
    Track,
    Uninstall,
    Upgrade,
)
from mcci.errors import ExitCode, McciError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class CanaryInProgress(McciError):
    """A canary that takes traffic is not to be replaced under its users."""

    exit_code = ExitCode.ON_HOLD


def plan(seen: Situation) -> ServicePlan:
    """Return what `seen` needs. Raises `CanaryInProgress` for a third version while a canary takes traffic."""
    if seen.in_place:
        return _in_place(seen)
    if not seen.stable:
        return _first(seen)
    version = _known_as(seen)
    if version == seen.stable:
        return _again(seen, version)
    return _beside(seen, version)


def _first(seen: Situation) -> ServicePlan:
    """No version has the traffic yet: this one gets all of it."""
    steps: list[Step] = []
    if seen.runs_stable:
        steps.append(_workload(seen, seen.service, Parts.ALL, seen.version, Track.STABLE, "first release"))
    else:
        steps += _name_only(seen)
    steps += _traffic(seen, {seen.version: 100}, why="first release: all traffic")
    says = f"{seen.version} is the first release" if seen.runs_stable else "runs elsewhere"
    return _plan(seen, seen.version, steps, stable=seen.version, canary="", says=says)


def _again(seen: Situation, version: str) -> ServicePlan:
    """The stable version once more: its values may have changed. A canary keeps what it has."""
    old = _expired(seen, {version, seen.canary})
    weights = {name: weight for name, weight in _weights(seen).items() if name not in old}
    holder = _holder(seen, version)
    steps = _shared(seen, "what the versions share")
    if holder or seen.runs_stable:
        steps.append(_version(seen, holder, version, Track.STABLE, "stable version"))
    steps += _traffic(seen, weights, testers=seen.canary, leaving=old, why="live weights")
    steps += [_gone(seen, each, "past its rollback window") for each in seen.running if each.version in old]
    return _plan(seen, version, steps, stable=version, canary=seen.canary, says=f"{version} is stable")


def _beside(seen: Situation, version: str) -> ServicePlan:
    """A new version beside the stable one, without traffic."""
    replaced = seen.canary if seen.canary != version else ""
    if weight := seen.weights.get(replaced, 0):
        raise CanaryInProgress(
            f"{seen.service}: the canary {replaced} has {weight} % of the traffic, so {version} cannot take its place. "
            f"End it first: `mcci canary promote {seen.service}` or `mcci canary abort {seen.service}`."
        )
    old = _expired(seen, {version, seen.stable, replaced})
    leaving = old | {replaced} - {""}
    weights = {name: weight for name, weight in _weights(seen).items() if name not in leaving}
    weights.setdefault(version, 0)
    holder = _holder(seen, version)
    steps = _shared(seen, "what the versions share")
    if holder or seen.runs_canary:
        steps.append(_version(seen, holder, version, Track.CANARY, "new version, no traffic moved"))
    steps += _traffic(seen, weights, testers=version, leaving=leaving, why=f"{version} is known, at its live weight")
    if gone := _holder(seen, replaced):
        steps.append(_gone(seen, gone, f"it never had traffic, and {version} takes its place"))
    steps += [_gone(seen, each, "past its rollback window") for each in seen.running if each.version in old]
    says = f"{version} beside {seen.stable}, at {weights[version]} %" + (
        f", in place of {replaced}" if replaced else ""
    )
    return _plan(seen, version, steps, stable=seen.stable, canary=version, says=says)


def _in_place(seen: Situation) -> ServicePlan:
    """A rolling update. The release keeps the version name it was first given: selectors cannot change."""
    holder = _holder(seen, seen.stable) or next((each for each in seen.running if each.version), None)
    version = holder.version if holder else seen.stable or seen.version
    steps: list[Step] = []
    if holder is None and not seen.runs_stable:
        steps += _name_only(seen)
    else:
        steps += _shared(seen, "what the versions share") if holder and holder.parts is Parts.VERSION else []
        parts, name = (holder.parts, holder.name) if holder else _new_home(seen, version)
        steps.append(_workload(seen, name, parts, version, Track.STABLE, "rolled out in place"))
    left = {each.version for each in seen.running if each.version} - {version}
    split = bool(seen.weights)
    steps += _traffic(seen, {version: 100} if split else {}, leaving=left, why="rolled out in place")
    steps += [_gone(seen, each, "in place of it") for each in seen.running if each.version in left]
    return _plan(seen, version, steps, stable=version, canary="", says="rolled out in place")


def _known_as(seen: Situation) -> str:
    """Return the name that the wanted digest has on this cluster: one rolled out in place keeps its first name."""
    holder = next((each for each in seen.running if each.digest == seen.image.digest), None)
    return holder.version if holder else seen.version


def _holder(seen: Situation, version: str) -> Running | None:
    """Return the release that runs the pods of `version`."""
    return next((each for each in seen.running if version and each.version == version), None)


def _own_release(seen: Situation) -> Running | None:
    """Return the release that is called as the service."""
    return next((each for each in seen.running if each.name == seen.service), None)


def _new_home(seen: Situation, version: str) -> tuple[Parts, str]:
    """Return what a version's release owns, and its name, where it has none yet."""
    if _own_release(seen) is None:
        return Parts.ALL, seen.service
    return Parts.VERSION, f"{seen.service}-{version}"


def _shared(seen: Situation, why: str) -> list[Step]:
    """Return the step for what the versions share; none while it is in one release with a version's pods."""
    own = _own_release(seen)
    if (own and own.parts is Parts.ALL) or (own is None and not (seen.runs_stable or seen.runs_canary or seen.named)):
        return []
    return [_upgrade_service(seen, why)]


def _name_only(seen: Situation) -> list[Step]:
    return [_upgrade_service(seen, "its name: it runs elsewhere in the mesh")] if seen.named or seen.runs_canary else []


def _upgrade_service(seen: Situation, why: str) -> Upgrade:
    own = {"app": seen.service, "parts": Parts.SERVICE.value}
    return Upgrade(release=seen.service, chart=Chart.MICROSERVICE, own=own, why=why)


def _version(seen: Situation, holder: Running | None, version: str, track: Track, why: str) -> Upgrade:
    if holder:
        return _workload(seen, holder.name, holder.parts, version, track, why)
    return _workload(seen, f"{seen.service}-{version}", Parts.VERSION, version, track, why)


def _workload(seen: Situation, release: str, parts: Parts, version: str, track: Track, why: str) -> Upgrade:
    own = {
        "app": seen.service,
        "version": version,
        "track": track.value,
        "parts": parts.value,
        "image": {"repository": seen.image.name, "digest": seen.image.digest},
    }
    return Upgrade(release=release, chart=Chart.MICROSERVICE, own=own, why=why, version=version)


def _weights(seen: Situation) -> dict[str, int]:
    """Return the live weights; where there are none yet, the stable version has all."""
    return dict(seen.weights) or {seen.stable: 100}


def _traffic(
    seen: Situation, weights: Mapping[str, int], *, why: str, testers: str = "", leaving: Iterable[str] = ()
) -> list[Step]:
    """Return the steps for the Istio objects: a subset goes only after the routes have forgotten it."""
    if not seen.routes:
        return []
    if weights:
        live_traffic.check(weights)
    going = [name for name in leaving if name in seen.subsets and name not in weights]
    steps: list[Step] = []
    if going:
        steps.append(_routes(seen, weights, [*weights, *going], testers, f"routes forget {', '.join(sorted(going))}"))
    return [*steps, _routes(seen, weights, list(weights), testers, why)]


def _routes(seen: Situation, weights: Mapping[str, int], subsets: Iterable[str], testers: str, why: str) -> Upgrade:
    own: dict[str, Any] = {
        "app": seen.service,
        "subsets": [{"name": name, "version": name} for name in subsets],
        "weights": [{"subset": name, "weight": weight} for name, weight in weights.items()],
        "testers": {"subset": testers if testers in weights else ""},
    }
    return Upgrade(release=f"{seen.service}-traffic", chart=Chart.ISTIO, own=own, why=why)


def _expired(seen: Situation, keep: set[str]) -> set[str]:
    """Return the versions past their rollback window; one that still has traffic stays."""
    return {name for name in seen.expired if name not in keep and not _weights(seen).get(name)}


def _gone(seen: Situation, old: Running, why: str) -> Step:
    """Return the step that removes a version, and leaves what the others share."""
    if old.parts is Parts.ALL:
        return _upgrade_service(seen, why)
    return Uninstall(release=old.name, why=why)


def _plan(seen: Situation, version: str, steps: list[Step], *, stable: str, canary: str, says: str) -> ServicePlan:
    return ServicePlan(
        service=seen.service, image=seen.image, version=version, steps=tuple(steps), stable=stable, canary=canary,
        says=says,
    )  # fmt: skip
