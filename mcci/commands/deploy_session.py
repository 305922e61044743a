"""What `mcci deploy`, `rollback` and `verify` begin with: who acts, which release, how long, where words go."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mcci.config.model import Config, Environment, Service
    from mcci.delivery.deploy.session import Session
    from mcci.delivery.release.model import Release


def base_session(
    config: Config, root: Path, environment: Environment, services: tuple[Service, ...], options: Mapping[str, Any]
) -> Session:
    """Return what a deploy, or a rollback, shares; without a release yet.

    Raises `UsageError` and `InvalidInput` for files that cannot be used.
    """
    from mcci import job
    from mcci.clusters import ended
    from mcci.delivery.deploy.prepare import Kitchen
    from mcci.delivery.deploy.session import Session
    from mcci.delivery.deploy.sets import parse
    from mcci.delivery.release.model import Release

    now = job.read()
    return Session(
        config=config,
        environment=environment,
        services=services,
        release=Release(name="", images={}),
        kitchen=Kitchen(root, config, environment, [parse(each) for each in options.get("sets", ())]),
        job=now,
        user=user(now.who),
        timeout=options["timeout"],
        wait=options["wait"],
        again=options.get("again", False),
        ended=ended.by_gitlab(now),
        ttl=_lock_seconds(os.environ),
        say=say,
    )


def _lock_seconds(environment: Mapping[str, str]) -> float:
    """Return how long the lock of a job that died stands in the way. Raises `UsageError`."""
    from mcci.delivery.deploy.session import TTL

    text = environment.get("MCCI_LOCK_SECONDS", "")
    if text and not (text.isdecimal() and 3 <= int(text) <= 3600):
        raise UsageError(f"MCCI_LOCK_SECONDS is '{text}': give whole seconds from 3 to 3600.")
    return float(text or TTL)


def user(who: str) -> str:
    """Return who acts: the job's user, else the machine's."""
    import getpass
    import platform

    if who:
        return who
    try:
        return f"{getpass.getuser()}@{platform.node()}"
    except (KeyError, OSError):
        return f"somebody@{platform.node()}"


_saying = threading.Lock()


def say(cluster: str, line: str) -> None:
    """Tell what happens on a cluster."""
    from mcci import output

    with _saying:
        output.log(f"{cluster}: {line}")


def load_release(root: Path, given: Path | None) -> Release:
    """Return the release in the file given, or release.json; one without a name where there is none."""
    from mcci.delivery.release import model

    file = given or root / model.FILE
    if given is None and not file.exists():
        return model.Release(name="", images={})
    return model.load(file)
