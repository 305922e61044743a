"""The checks that concern no cluster: helm, and the release registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.clients.helm import binary
from mcci.clients.registry.retry import Policy
from mcci.delivery import registries
from mcci.delivery.doctor.model import Result, failed, ok
from mcci.errors import McciError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.config.model import Config

_QUICK = Policy(attempts=2, first=0.5, patience=5, connect=5, silence=15)


def helm(environment: Mapping[str, str]) -> Result:
    """Whether there is a helm that mcci can drive."""
    try:
        found = binary.find(environment)
    except McciError as error:
        return failed("helm", str(error), binary.ADVICE)
    return ok("helm", f"{found.words} ({found.path})")


def registry(config: Config, environment: Mapping[str, str]) -> Result:
    """Whether the release registry answers, and takes the credentials."""
    service = next(iter(config.services.values()))
    where = registries.release_repository(config, service)
    try:
        with registries.Registries(config, environment, lambda _: None, _QUICK) as opened:
            tags = opened.of(where).tags(where)
    except McciError as error:
        return failed("registry", str(error))
    return ok("registry", f"{config.registry.host} answers: {where.repository} has {len(tags)} tags")
