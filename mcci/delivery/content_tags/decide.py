"""Which services have work: their content tags, looked up in the release registry, where only tested images are."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcci.clients import files, working_tree
from mcci.clients.engines import context
from mcci.clients.registry import reference
from mcci.clients.registry.errors import Denied
from mcci.delivery.content_tags.assemble import Source, assemble, in_order
from mcci.delivery.content_tags.inputs import Inputs, chosen, content_tag
from mcci.delivery.registries import mirrored, release_repository
from mcci.errors import InvalidInput, UsageError
from mcci.findings import Finding, Position

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from mcci.clients.registry.reference import Reference
    from mcci.clients.working_tree import WorkingTree
    from mcci.config.model import Config, Service
    from mcci.delivery.registries import Registries

LOOKUPS = 8  # at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is to be done for one service.

    `released` is the image that the release registry has under the content tag, by digest; None: it must be built.
    `pins` maps each base image, as the Dockerfile names it, to where it is read from, by digest.
    """

    service: Service
    content_tag: str
    inputs: Inputs
    source: Source
    pins: Mapping[str, Reference]
    released: Reference | None


def decide(
    config: Config, root: Path, names: Iterable[str], registries: Registries, mirror: str, log: Callable[[str], None]
) -> tuple[WorkingTree, dict[str, Decision]]:
    """Return the checkout, and for each of the services `names` what is to be done.

    Raises `UsageError` outside of a git checkout and without credentials for a base image, `NotThere` for a base image
    that does not exist, `ServiceFailed` where a registry fails.
    """
    names = list(names)
    tree = working_tree.read(root)
    sources = {name: read_source(root, config.services[name], tree.files) for name in in_order(config, names)}
    bases = {base for name, source in sources.items() for base in _bases(source, config.services[name])}
    with ThreadPoolExecutor(LOOKUPS) as pool:
        pins = dict(zip(bases, pool.map(lambda base: pin(base, registries, mirror), bases), strict=True))
        digests = {base: image.digest for base, image in pins.items()}
        inputs = assemble(config, names, tree.files, sources, digests)
        tags = {name: content_tag(inputs[name]) for name in names}
        wanted = [release_repository(config, config.services[name]).at(tags[name]) for name in names]
        released = list(pool.map(lambda image: look_up(image, registries, log), wanted))
    return tree, {
        name: Decision(
            service=config.services[name],
            content_tag=tags[name],
            inputs=inputs[name],
            source=sources[name],
            pins={base: pins[base] for base in inputs[name].bases},
            released=found,
        )
        for name, found in zip(names, released, strict=True)
    }


def read_source(root: Path, service: Service, tracked: Mapping[str, str]) -> Source:
    """Return what the image of `service` is built from.

    Raises `InvalidInput` where there is no Dockerfile, `UsageError` where git does not track it: it would not count.
    """
    path = service.dockerfile_path
    advice = "`dockerfile` of the service in mcci.yml names another."
    text = files.read(root / path, advice=advice).decode("utf-8", "replace")
    if path not in tracked:
        raise UsageError(f"{path} is not tracked by git, so the image would not change with it: git add {path}")
    ignore = ignore_text(root, service)
    base = "" if service.build_context == "." else f"{service.build_context}/"
    sent = [name.removeprefix(base) for name in chosen(tracked, (service.build_context,))]
    left_out = frozenset(f"{base}{name}" for name in context.ignored(ignore, sent))
    return Source(dockerfile=text, ignored=left_out, ignore=ignore)


def ignore_text(root: Path, service: Service) -> str:
    """Return the .dockerignore that counts: the Dockerfile's own where there is one, else the build context's."""
    for path in (root / f"{service.dockerfile_path}.dockerignore", root / service.build_context / ".dockerignore"):
        if path.is_file():
            return files.read(path).decode("utf-8", "replace")
    return ""


def pin(base: str, registries: Registries, mirror: str) -> Reference:
    """Return where a base image is read from, by its digest."""
    image = reference.parse(base)
    if not image.version:
        image = image.at("latest")
    image = mirrored(image, mirror)
    if image.digest:
        return image.at(image.digest)
    registry = registries.of(image)
    found = registry.head(image)
    if found is None:
        raise registry.http.missing(f"base image {image}")
    return image.at(found.digest)


def look_up(image: Reference, registries: Registries, log: Callable[[str], None]) -> Reference | None:
    """Return the image by its digest; None where the release registry has none, or shows it to nobody anonymous."""
    registry = registries.of(image)
    try:
        found = registry.head(image)
    except Denied:
        if registry.http.authorizer.has_credentials:
            raise
        log(f"{image.name} shows nothing without credentials (a merge request has none): it counts as not there.")
        return None
    return image.at(found.digest) if found else None


def _bases(source: Source, service: Service) -> tuple[str, ...]:
    parsed = source.parsed(service.build_args)
    if parsed.unknown:
        position = Position(file=service.dockerfile_path)
        message = f"the base image '{parsed.unknown[0]}' has a variable without a value."
        help_ = "Give the ARG before the first FROM a default, or a value in `build_args`."
        raise InvalidInput([Finding(rule="dockerfile", message=message, position=position, help=help_)])
    return parsed.bases
