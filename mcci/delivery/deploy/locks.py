"""The locks of a deploy: on a cluster's namespace, on a service's traffic, and what happens when one is lost."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mcci.canary.state import name_of
from mcci.clusters import leases
from mcci.errors import McciError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from mcci.clusters.leases import Held
    from mcci.delivery.deploy.session import Session, Target

LEASE = "mcci-deploy"
TRAFFIC_WAIT = 60.0  # seconds: others hold a service's traffic for moments
WATCHED = 0.5  # seconds between two looks at the locks


def on_cluster(session: Session, target: Target, say: Callable[[str], None]) -> AbstractContextManager[Held]:
    """Hold the lock on the environment's namespace in a cluster. Raises `LockHeld`."""
    return leases.hold(
        target.api, session.namespace, LEASE, session.holder, ttl=session.ttl, wait=session.wait,
        ended=session.ended, say=say,
    )  # fmt: skip


def on_traffic(
    session: Session, leader: Target, service: str, say: Callable[[str], None]
) -> AbstractContextManager[Held]:
    """Hold the lock on a service's traffic, which is its canary's too. Raises `LockHeld`."""
    return leases.hold(
        leader.api, session.namespace, name_of(service), session.holder, ttl=session.ttl, wait=TRAFFIC_WAIT,
        ended=session.ended, say=say,
    )  # fmt: skip


@contextmanager
def watched(held: Sequence[Held], stop: Callable[[], None], cluster: str) -> Iterator[None]:
    """Call `stop` as soon as one of `held` is lost; raise `LeaseLost` then in place of what came of stopping."""
    over = threading.Event()
    lost: list[McciError] = []

    def look() -> None:
        while not over.wait(WATCHED):
            try:
                for each in held:
                    each.check()
            except leases.LeaseLost as error:
                lost.append(error)
                stop()
                return

    thread = threading.Thread(target=look, name=f"locks {cluster}", daemon=True)
    thread.start()
    try:
        yield
    except McciError as error:
        if lost:
            raise lost[0] from error
        raise
    finally:
        over.set()
