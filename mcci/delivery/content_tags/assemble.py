"""From a configuration, a checkout and the base images' digests to every service's inputs; pure."""

from __future__ import annotations

from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from mcci.delivery.builds.dockerfile import Dockerfile, parse
from mcci.delivery.content_tags.inputs import Inputs, chosen, content_tag, settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcci.config.model import Config, Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a service's image is built from, as read from the checkout.

    `ignore` is the text of the .dockerignore that counts, and `ignored` the tracked files that it keeps out of the
    build context.
    """

    dockerfile: str
    ignore: str = ""
    ignored: frozenset[str] = frozenset()

    def parsed(self, arguments: Mapping[str, str]) -> Dockerfile:
        """Return what the Dockerfile says with these build arguments."""
        return parse(self.dockerfile, arguments)


def in_order(config: Config, names: Iterable[str]) -> tuple[str, ...]:
    """Return the services `names` and all they depend on, each after those it needs."""
    graph: dict[str, tuple[str, ...]] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in graph:
            graph[name] = config.services[name].needed_services
            waiting += graph[name]
    return tuple(TopologicalSorter(graph).static_order())


def assemble(
    config: Config,
    names: Iterable[str],
    files: Mapping[str, str],
    sources: Mapping[str, Source],
    digests: Mapping[str, str],
) -> dict[str, Inputs]:
    """Return the inputs of the services `names` and of all they depend on.

    `files` are the checkout's, `sources` each service's; `digests` has the digest of every base image by the name that
    the Dockerfiles give it.
    """
    found: dict[str, Inputs] = {}
    for name in in_order(config, names):
        service, source = config.services[name], sources[name]
        found[name] = Inputs(
            files=chosen_files(service, files, source),
            settings=settings(service),
            bases={base: digests[base] for base in source.parsed(service.build_args).bases},
            services={each: content_tag(found[each]) for each in service.needed_services},
        )
    return found


def chosen_files(service: Service, files: Mapping[str, str], source: Source) -> dict[str, str]:
    """Return the files that count: the service's own, those it depends on, and what else is in the build context."""
    own = chosen(files, (service.folder, *service.needed_folders))
    context = chosen(files, (service.build_context,))
    return {path: entry for path, entry in context.items() if path not in source.ignored} | own
