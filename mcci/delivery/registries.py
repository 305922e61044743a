"""Where a service's images live, by the configuration, and the registries opened to work with them.

In one `with Registries(…)` every host is connected to once, whoever asks.
"""

from __future__ import annotations

import re
from dataclasses import replace
from threading import Event, Lock
from typing import TYPE_CHECKING

from mcci.clients.registry import reference
from mcci.clients.registry.client import Registry
from mcci.clients.registry.credentials import Login
from mcci.clients.registry.retry import Policy
from mcci.clients.registry.transport import Settings
from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from mcci.clients.registry.reference import Reference
    from mcci.config.model import Config, Service

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


def release_repository(config: Config, service: Service) -> Reference:
    """Return the repository of `service` in the release registry."""
    namespace = config.registry.namespace or config.application
    return reference.parse(f"{config.registry.host}/{namespace}/{service.image_name}")


def candidate_repository(config: Config, service: Service, environment: Mapping[str, str]) -> Reference:
    """Return the repository of the candidates of `service`; those of merge requests are apart, under `mr/`.

    Raises `UsageError` where the configuration names a variable that is not set.
    """
    base = expand(config.registry.candidates, environment, "registry.candidates").rstrip("/")
    below = "mr/" if environment.get("CI_MERGE_REQUEST_ID") else ""
    return reference.parse(f"{base}/{below}{service.image_name}")


def expand(text: str, environment: Mapping[str, str], key: str) -> str:
    """Return `text` with its CI/CD variables replaced. Raises `UsageError` for one that is not set."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if not environment.get(name):
            raise UsageError(
                f"mcci.yml's `{key}` is '{text}', and the variable {name} is not set. GitLab sets CI_… variables in its"
                f" jobs (CI_REGISTRY_IMAGE where the project's registry is on); elsewhere, set it or change `{key}`."
            )
        return environment[name]

    return _VARIABLE.sub(value, text)


class Registries:
    """The registries that a command works with, each opened when first asked for."""

    def __init__(
        self,
        config: Config,
        environment: Mapping[str, str],
        log: Callable[[str], None],
        policy: Policy | None = None,
    ) -> None:
        """`environment` holds the credentials' variables; `log` is told of every attempt that failed."""
        self._settings = settings(config, environment, log, policy or Policy())
        self._open: dict[str, Registry] = {}
        self._lock = Lock()

    def __enter__(self) -> Registries:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if error is not None:
            self.stop.set()
        for registry in self._open.values():
            registry.http.close()

    @property
    def stop(self) -> Event:
        """Set, it ends every exchange under way."""
        return self._settings.stop

    def of(self, image: Reference) -> Registry:
        """Return the registry that holds `image`."""
        with self._lock:
            if image.host not in self._open:
                self._open[image.host] = Registry(image.host, self._settings)
            return self._open[image.host]

    @property
    def pull_limits(self) -> dict[str, str]:
        """What is left of the pull limits, by host, where a registry told."""
        return {host: str(each.pull_limit) for host, each in self._open.items() if each.pull_limit}


def settings(config: Config, environment: Mapping[str, str], log: Callable[[str], None], policy: Policy) -> Settings:
    """Return how the configuration's registries are spoken to."""
    own = config.registry
    logins = [Login(host=own.host, username_variable=own.username, password_variable=own.password)]
    for host, prefix in (("CI_REGISTRY", "CI_REGISTRY"), ("CI_DEPENDENCY_PROXY_SERVER", "CI_DEPENDENCY_PROXY")):
        if environment.get(host):
            names = {"username_variable": f"{prefix}_USER", "password_variable": f"{prefix}_PASSWORD"}
            logins.append(Login(host=environment[host], **names))
    hosts = {own.host}
    if own.insecure and _known(own.candidates, environment):
        hosts.add(reference.parse(expand(own.candidates, environment, "registry.candidates") + "/x").host)
    return Settings(
        environment=environment,
        logins=tuple(logins),
        insecure=frozenset(hosts) if own.insecure else frozenset(),
        policy=policy,
        log=log,
    )


def _known(text: str, environment: Mapping[str, str]) -> bool:
    return all(environment.get(match[1] or match[2]) for match in _VARIABLE.finditer(text))


def mirrored(image: Reference, mirror: str) -> Reference:
    """Return where to read `image`, one of Docker Hub's, through `mirror`; any other image stays as it is.

    A mirror is a host, or a host with a path as GitLab's dependency proxy has it.
    """
    if not mirror or image.host != reference.DOCKER_HUB:
        return image
    host, _, path = mirror.rstrip("/").partition("/")
    if not path:
        return replace(image, host=host)
    # GitLab's proxy takes the official images' short names, as its documentation writes them
    return replace(image, host=host, repository=f"{path}/{image.repository.removeprefix('library/')}")
