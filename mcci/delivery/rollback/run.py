"""A rollback: traffic goes back first, then the earlier release is deployed, as an upgrade with the live weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mcci.canary.actions import abort as giving_back
from mcci.canary.actions import promote as promoting
from mcci.canary.actions import step as stepping
from mcci.canary.clusters import open as opening
from mcci.canary.state import Phase
from mcci.canary.verdict import NoJudge
from mcci.canary.versions import version_of
from mcci.clusters.leases import SystemClock
from mcci.delivery.deploy import live as live_now
from mcci.delivery.deploy import namespace, record
from mcci.delivery.deploy.cluster import ClusterDeploy
from mcci.delivery.deploy.run import Deploy
from mcci.delivery.deploy.situations import is_in_place
from mcci.delivery.release.model import Image, Release
from mcci.delivery.rollback.goal import Goal, Traffic, goal, traffic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcci.canary.clusters.site import Site
    from mcci.canary.state import State
    from mcci.config.model import Service
    from mcci.delivery.deploy.live import Live
    from mcci.delivery.deploy.session import Session, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What a rollback does with a service's traffic, to the image's version."""

    service: Service
    version: str
    what: Traffic


@dataclass(slots=True, kw_only=True)
class Rollback:
    """A rollback of the clusters in `waves`; `targets` are all clusters of the environment that it may need."""

    session: Session
    targets: Mapping[str, Target]
    waves: Sequence[Sequence[str]]
    goals: Mapping[str, Goal]
    moves: tuple[Move, ...]

    def give_back(self) -> list[str]:
        """Give the traffic back that goes back at once; return what was done. Raises what `canary abort` raises."""
        lines: list[str] = []
        for move in self.moves:
            if move.what is Traffic.BACK:
                lines += giving_back.abort(self._site(move.service)).lines
        return lines

    def deploys(self) -> Deploy:
        """Return the deploy of the earlier releases."""
        leader = self.targets[self.session.config.config_clusters(self.session.environment)[0]]
        return Deploy(
            [
                [
                    ClusterDeploy(
                        session=self._session(name),
                        target=self.targets[name],
                        leader=leader,
                        back_to=self.goals[name].to,
                    )
                    for name in wave
                ]
                for wave in self.waves
            ]
        )

    def move_after(self) -> list[str]:
        """Move the traffic of versions that had to be brought back first; return what was done."""
        lines: list[str] = []
        for move in self.moves:
            if move.what is Traffic.AFTER:
                lines += self._move_after(move)
        return lines

    def _move_after(self, move: Move) -> list[str]:
        config, environment = self.session.config, self.session.environment
        waiting = [
            name
            for name in environment.all_clusters
            if move.service.runs_on(name) and name not in self.goals
        ]  # fmt: skip
        service = move.service.name
        if waiting:
            line = (
                f"{service}: {move.version} is ready here and has no traffic yet: roll {', '.join(waiting)} back too, "
                f"then `mcci canary step {service} --to 100 --force`"
            )
            return [line]
        settings = opening.settings_of(config, move.service)
        site = self._site(move.service)
        moved = stepping.step(site, 100, settings, NoJudge(), force=True)
        promoted = promoting.promote(site, settings, NoJudge(), force=True)
        return [*moved.lines, *promoted.lines]

    def _site(self, service: Service) -> Site:
        session = self.session
        apis = {name: each.api for name, each in self.targets.items()}
        return opening.site_of(
            session.config, session.environment, service, apis, session.actor, SystemClock(),
            lambda line: session.say(session.environment.name, session.masks(line)),
        )  # fmt: skip

    def _session(self, cluster: str) -> Session:
        to = self.goals[cluster].to
        images = {
            name: Image(service=name, image=each.image, commit=each.commit)
            for name, each in to.images.items()
            if name in self.session.config.services
        }
        services = tuple(each for each in self.session.services if each.name in images)
        return replace(self.session, release=Release(name=to.release, images=images), services=services)


def prepare(session: Session, targets: Mapping[str, Target], waves: Sequence[Sequence[str]], name: str) -> Rollback:
    """Look at the clusters and decide; changes nothing.

    Raises `NothingToGoBackTo`, `Stale`, and `UsageError` for a namespace that is not this application's.
    """
    leader = session.config.config_clusters(session.environment)[0]
    clusters = [each for wave in waves for each in wave]
    seen = {each: _look(session, targets[each]) for each in dict.fromkeys([*clusters, leader])}
    in_place = {each.name for each in session.services if is_in_place(session.config, session.environment, each)}
    goals = {each: goal(seen[each], name, in_place) for each in clusters}
    return Rollback(
        session=session,
        targets=targets,
        waves=waves,
        goals=goals,
        moves=tuple(_moves(session, goals, seen, seen[leader])),
    )


def _look(session: Session, target: Target) -> Live:
    namespace.find(target.api, session.namespace, session.config.application)
    found = live_now.read(target.api, session.namespace)
    record.check_fresh(found.record, session.job.pipeline_id, target.name)
    return found


def _moves(session: Session, goals: Mapping[str, Goal], seen: Mapping[str, Live], leading: Live) -> list[Move]:
    found: list[Move] = []
    for service in session.services:
        images = [each.to.images[service.name].image for each in goals.values() if service.name in each.to.images]
        if not images or is_in_place(session.config, session.environment, service):
            continue
        version = version_of(images[0].digest)
        runs = any(each.version == version for live in seen.values() for each in live.running(service.name))
        what = traffic(_state(leading, service.name), version, runs=runs)
        if what is not Traffic.STAYS:
            found.append(Move(service=service, version=version, what=what))
            if what is Traffic.AFTER and _takes_traffic(_state(leading, service.name)):
                found.append(Move(service=service, version=version, what=Traffic.BACK))
    return found


def _state(live: Live, service: str) -> State | None:
    return live.state(service)


def _takes_traffic(state: State | None) -> bool:
    return bool(state and state.canary and state.phase is Phase.CANARY and state.weights.get(state.canary, 0))
