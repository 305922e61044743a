"""Which engine builds a service: the one the job has, or the one among those that can do what the Dockerfile asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.clients.engines import ENGINES
from mcci.errors import McciError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.clients.engines.model import Engine
    from mcci.config.model import Service
    from mcci.delivery.content_tags.assemble import Source

VARIABLE = "MCCI_ENGINE"


def engine_name(environment: Mapping[str, str]) -> str:
    """Return the engine that the job has. Raises `UsageError` for one that mcci does not know."""
    name = environment.get(VARIABLE) or "docker"
    if name not in ENGINES:
        raise UsageError(f"${VARIABLE} is '{name}'; mcci has the engines {', '.join(ENGINES)}.")
    return name


def reasons_for_buildkit(service: Service, source: Source) -> tuple[str, ...]:
    """Return what in a service's build the classic builder cannot do, in words."""
    secrets = ("build_secrets",) if service.build_secrets else ()
    return (*secrets, *source.parsed(service.build_args).buildkit)


def choose(service: Service, source: Source, environment: Mapping[str, str]) -> Engine:
    """Return the engine for a service.

    Raises `UsageError` where the job's engine cannot do what the build asks for, and names those that can.
    """
    name = engine_name(environment)
    needs = reasons_for_buildkit(service, source)
    if ENGINES[name].HAS_SECRETS or not needs:
        return ENGINES[name]
    try:
        ENGINES["buildkit"].check()
    except McciError as error:
        message = (
            f"{service.name} has {', '.join(needs)}, which the Docker API's own builder cannot do: it would drop them"
            f" or show them. The docker command with BuildKit can, but {error} The other engine that can is buildah"
            " (`runner: {engine: buildah}` in mcci.yml)."
        )
        raise UsageError(message) from error
    return ENGINES["buildkit"]
