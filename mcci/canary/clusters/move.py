"""Moves weights in several clusters so that it looks like one write: prepare all, say what is meant, apply, read back,
and where one differs restore all. Whoever comes after a crash finds the intent, and the weights tell how far it came.

The leader is written first, so its write is its own rehearsal; the others were rehearsed by a server-side dry run. A
lock that was lost stops everything at once: the new holder finds the intent, and settles it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mcci.canary import settle, state_json, traffic
from mcci.canary.clusters.site import each, raise_first
from mcci.canary.clusters.survey import find, kind_of
from mcci.canary.state import LEADER, TOKEN, Action, Entry, Intent
from mcci.clients.kubernetes.api import CONFIG_MAP, Conflict
from mcci.clusters.leases import LeaseLost
from mcci.errors import ExitCode, McciError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.canary.clusters.site import Guard, Site
    from mcci.canary.facts import Survey
    from mcci.canary.state import State
    from mcci.clients.kubernetes.api import ClusterApi, Object

RESTORES = 3  # attempts, each on what is there now


class Restored(McciError):
    """A move failed, and every cluster has the weights of before."""

    exit_code = ExitCode.ROLLED_BACK


class Unsettled(McciError):
    """A move failed, and not every cluster could be brought back; the intent stays for the next job."""

    exit_code = ExitCode.SERVICE_FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What goes into the history beside the weights."""

    verdict: str = ""
    why: str = ""
    forced: tuple[str, ...] = ()
    evidence: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The state after a move, how long after the first cluster the last one followed, and the clusters written."""

    state: State
    skew: float
    written: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class _Copies:
    """The objects of each cluster as they were last read or written."""

    virtual_services: dict[str, Object]
    config_maps: dict[str, Object]


def move(site: Site, held: Guard, survey: Survey, state: State, intent: Intent, note: Note) -> Moved:
    """Bring every config cluster to `intent.target`, and return the state that says so.

    Raises `TrafficError` or `Refused` before the first write; `Restored` where a write failed and all clusters have
    the weights of before; `Unsettled` where not all could be brought back; `LeaseLost` with nothing restored.
    """
    copies = _copies(survey)
    bodies = _bodies(site, held, copies, intent.target)
    _prepare(site, bodies)
    state = _declare(site, held, copies, replace(state, intent=intent, revision=state.revision + 1))
    try:
        skew = _apply(site, held, copies, bodies)
        _read_back(site, copies, intent.target)
    except LeaseLost:
        raise
    except McciError as error:
        _restore(site, held, copies, state, intent, error)
    except BaseException:  # interrupted or cancelled: there is time to bring the weights back, and it is tried once
        with suppress(McciError):
            _restore(site, held, copies, state, intent, McciError("interrupted"))
        raise
    done = settle.finished(
        state, intent, site.now(), skew=round(skew, 3), forced=note.forced, without=site.without,
        evidence=note.evidence, verdict=note.verdict, why=note.why,
    )  # fmt: skip
    write_state(site, held, survey, done, copies.config_maps)
    return Moved(state=done, skew=skew, written=tuple(bodies))


def write_state(
    site: Site, held: Guard, survey: Survey, state: State, known: Mapping[str, Object] | None = None
) -> None:
    """Write the state to every config cluster. One that cannot be reached is told, and brought along by the next write.

    Raises the first error where no cluster took it, and `LeaseLost`.
    """
    objects = dict(known) if known is not None else _copies(survey).config_maps
    held.check()
    done, failed = each(site.config, lambda name, api: _put_state(site, held, objects, state, name, api), site.at_once)
    if not done or any(isinstance(error, (LeaseLost, Conflict)) for error in failed.values()):
        raise_first(failed, "writing the canary's state to")
    for name, error in failed.items():
        site.log(f"{name}: the canary's state could not be written ({error}); the next command brings it along.")


def _copies(survey: Survey) -> _Copies:
    views = survey.config
    return _Copies(
        virtual_services={name: view.virtual_service for name, view in views.items() if view.virtual_service},
        config_maps={name: view.config_map for name, view in views.items() if view.config_map},
    )


def _bodies(site: Site, held: Guard, copies: _Copies, target: Mapping[str, int]) -> dict[str, Object]:
    """Return what is to be written, by cluster: those that have the target already are left out."""
    bodies = {}
    for name in site.config:
        found = copies.virtual_services[name]
        try:
            body = traffic.moved(found, site.service, target)
        except traffic.TrafficError as error:
            raise type(error)(f"{name}: {error}") from error
        if body != found:
            bodies[name] = _fenced(site, held, body)
    return bodies


def _fenced(site: Site, held: Guard, body: Object) -> Object:
    """Return an object with our fencing token on it."""
    metadata = body["metadata"]
    annotations = {**(metadata.get("annotations") or {}), TOKEN: str(held.token), LEADER: site.leader}
    return {**body, "metadata": {**metadata, "annotations": annotations}}


def _prepare(site: Site, bodies: Mapping[str, Object]) -> None:
    """Ask every cluster but the leader whether it would take the write."""
    apis = {name: api for name, api in site.config.items() if name in bodies and name != site.leader}
    _, failed = each(
        apis, lambda name, api: api.replace(kind_of(bodies[name]), bodies[name], dry_run=True), site.at_once
    )
    raise_first(failed, "nothing was changed: a dry run failed in")


def _declare(site: Site, held: Guard, copies: _Copies, state: State) -> State:
    """Write the intent to every cluster; where one does not take it, take it back from the others."""
    held.check()
    done, failed = each(
        site.config, lambda name, api: _put_state(site, held, copies.config_maps, state, name, api), site.at_once
    )
    if failed:
        back = settle.dropped(state)
        if not any(isinstance(error, LeaseLost) for error in failed.values()):
            apis = {name: site.config[name] for name in done}
            each(apis, lambda name, api: _put_state(site, held, copies.config_maps, back, name, api), site.at_once)
        raise_first(failed, "nothing was changed: the canary's state could not be written to")
    return state


def _put_state(site: Site, held: Guard, objects: dict[str, Object], state: State, name: str, api: ClusterApi) -> None:
    held.check()
    old = objects.get(name)
    body = state_json.config_map(state, site.namespace, held.token, site.leader, old)
    objects[name] = api.replace(CONFIG_MAP, body) if old else api.create(CONFIG_MAP, body)


def _apply(site: Site, held: Guard, copies: _Copies, bodies: Mapping[str, Object]) -> float:
    """Write the weights, the leader's first; return how long the clusters were apart."""
    times: list[float] = []

    def put(name: str, api: ClusterApi) -> None:
        held.check()
        copies.virtual_services[name] = api.replace(kind_of(bodies[name]), bodies[name])
        times.append(site.clock.elapsed())

    leading = {name: api for name, api in site.config.items() if name in bodies and name == site.leader}
    following = {name: api for name, api in site.config.items() if name in bodies and name != site.leader}
    for apis in (leading, following):
        _, failed = each(apis, put, site.at_once)
        raise_first(failed, "writing the weights to")
    return max(times) - min(times) if times else 0.0


def _read_back(site: Site, copies: _Copies, target: Mapping[str, int]) -> None:
    """See with our own eyes that every cluster has the weights. Raises `McciError` where one has not."""
    found, failed = each(site.config, lambda name, api: _live(site, copies, name, api), site.at_once)
    raise_first(failed, "reading back from")
    for name, weights in found.items():
        if not traffic.same(weights, target):
            raise McciError(
                f"{name} has {traffic.words(weights)}, not {traffic.words(target)}: somebody has undone the write"
            )


def _live(site: Site, copies: _Copies, name: str, api: ClusterApi) -> traffic.Weights:
    found = find(api, site.virtual_services[name], site.namespace)
    if found is None:
        raise McciError(f"the VirtualService {site.virtual_services[name]} is gone")
    copies.virtual_services[name] = found
    return traffic.weights(found, site.service)


def _restore(site: Site, held: Guard, copies: _Copies, state: State, intent: Intent, cause: McciError) -> None:
    """Bring every cluster back to the weights of before; always raises."""
    site.log(f"{cause}. Restoring {traffic.words(intent.source)} in every cluster.")
    left = dict(site.config)
    for _ in range(RESTORES):
        _, failed = each(
            left, lambda name, api: _bring_back(site, held, copies, intent.source, name, api), site.at_once
        )
        lost = next((error for error in failed.values() if isinstance(error, LeaseLost)), None)
        if lost:
            raise lost
        left = {name: site.config[name] for name in failed}
        if not left:
            break
    else:
        names = ", ".join(left)
        raise Unsettled(
            f"{cause}. The other clusters have {traffic.words(intent.source)} again, but {names} may have "
            f"{traffic.words(intent.target)}: it did not answer, or did not take it. What was meant is recorded: the "
            f"next canary command settles it; `mcci canary abort {site.service} --without {names}` goes on without it."
        ) from cause
    entry = Entry(
        action=Action.RESTORE, at=site.now(), actor=intent.actor, version=state.canary or state.stable,
        step=state.step, weights=intent.source, why=str(cause), without=site.without,
    )  # fmt: skip
    back = settle.dropped(state).with_entry(entry)
    each(site.config, lambda name, api: _put_state(site, held, copies.config_maps, back, name, api), site.at_once)
    raise Restored(f"{cause}. Every cluster has {traffic.words(intent.source)} again.") from cause


def _bring_back(
    site: Site, held: Guard, copies: _Copies, source: Mapping[str, int], name: str, api: ClusterApi
) -> None:
    held.check()
    found = find(api, site.virtual_services[name], site.namespace)
    if found is None:
        return  # there is no route, so there is no weight to bring back
    body = traffic.moved(found, site.service, source)
    if body != found:
        copies.virtual_services[name] = api.replace(kind_of(found), _fenced(site, held, body))
