"""A command that is killed at one of its writes, and the commands that come after it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from mcci.canary.actions.abort import abort
from mcci.canary.actions.promote import promote
from mcci.canary.actions.step import step
from mcci.canary.clusters.site import Site
from mcci.clients.kubernetes.api import LEASE
from mcci.errors import McciError
from tests.unit.canary.world import SETTINGS, SPACE, Judge, World
from tests.unit.clusters.fake_api import Crash, Script

Command = Callable[[Site], object]
NAMES = ("prod-aws", "prod-azure", "prod-gcp", "prod-own")


def to(weight: int) -> Command:
    """`mcci canary step staff-service --to WEIGHT`."""
    return lambda site: step(site, weight, SETTINGS, Judge())


def do_promote(site: Site) -> object:
    """`mcci canary promote staff-service`."""
    return promote(site, SETTINGS, Judge())


def do_abort(site: Site) -> object:
    """`mcci canary abort staff-service`."""
    return abort(site)


# name → the canary's weight before, and the command
COMMANDS: dict[str, tuple[int, Command]] = {"step": (10, to(25)), "promote": (100, do_promote), "abort": (25, do_abort)}


def prepared(clusters: int, weight: int) -> World:
    """A world whose canary has this weight."""
    world = World(names=NAMES[:clusters])
    world.deploy()
    for each in (each for each in SETTINGS.steps if each <= weight):
        run(world, to(each))
    return world


def run(world: World, command: Command, script: Script | None = None) -> object:
    """Run a command as one process, once the weights have baked."""
    world.clock.seconds += 601
    return command(world.site(script))


def killed(world: World, command: Command, write: int, *, after: bool) -> bool:
    """Run a command that dies at a write; return whether it came that far."""
    script = Script()
    script.crash(write=write, after=after)
    with suppress(Crash, McciError):
        run(world, command, script)
    return script.dead


def free(world: World) -> None:
    """Let the dead process's Lease be free, as it is when it has not been renewed for its time."""
    for name in world.names:
        api = world.api(name)
        if lease := api.peek(LEASE, "mcci-canary-staff-service", SPACE):
            lease["spec"]["holderIdentity"] = ""
            api.put(LEASE, lease)
