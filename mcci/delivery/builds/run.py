"""Building: each service that has work is built, pushed as a candidate and named by its digest."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from mcci.clients.engines.model import Build, Event
from mcci.clients.registry import credentials
from mcci.clients.registry.layers import Layers
from mcci.clients.registry.transport import is_loopback
from mcci.delivery import candidates
from mcci.delivery.builds.concurrently import Concurrently
from mcci.delivery.builds.dockerfile import pinned
from mcci.delivery.builds.engine import choose
from mcci.delivery.builds.labels import labels
from mcci.delivery.candidates import BASE_LABEL, Candidate
from mcci.delivery.registries import candidate_repository, release_repository
from mcci.delivery.supply_chain import job as supply_chain
from mcci.delivery.supply_chain import packages, provenance
from mcci.errors import McciError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mcci.clients.engines.model import Engine
    from mcci.clients.registry.reference import Reference
    from mcci.clients.registry.transport import Settings
    from mcci.clients.working_tree import WorkingTree
    from mcci.config.model import Config, Service
    from mcci.delivery.builds.display import Display
    from mcci.delivery.content_tags.decide import Decision
    from mcci.delivery.registries import Registries

LATEST = "latest"  # the candidate whose layers the next build may use again
MASK = "[masked]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How this run builds: `network` for RUN, `bound` services at a time, `force` even what is unchanged."""

    network: str = ""
    bound: int = 4
    force: bool = False
    cache: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What every build of one run shares."""

    config: Config
    root: Path
    tree: WorkingTree
    registries: Registries
    settings: Settings
    environment: Mapping[str, str]
    display: Display
    options: Options
    layers: Layers = field(default_factory=lambda: Layers(packages.FILES))  # what the SBOMs are made of

    def credential(self, host: str) -> credentials.Credentials | None:
        """Return the credentials for a host."""
        return credentials.find(host, self.environment, self.settings.logins)

    def is_insecure(self, host: str) -> bool:
        """Return whether a registry may be spoken to without TLS."""
        return is_loopback(host) or host in self.settings.insecure


def build_all(shop: Workshop, decisions: Mapping[str, Decision]) -> dict[str, Candidate | McciError]:
    """Build what has work, the services that one depends on first; return each one's candidate or error.

    Every candidate's file is written. Raises `UsageError` before anything is built where an engine cannot be used.
    """
    engines = {
        name: choose(each.service, each.source, shop.environment)
        for name, each in decisions.items()
        if each.released is None or shop.options.force
    }
    for engine in {engine.NAME: engine for engine in engines.values()}.values():
        engine.check()

    def work(name: str) -> Candidate:
        return _one(shop, decisions[name], engines.get(name))

    def stop() -> None:
        shop.registries.stop.set()
        for engine in engines.values():
            engine.stop()

    needs = {name: each.service.needed_services for name, each in decisions.items()}
    return Concurrently(work, shop.options.bound, stop).run(needs)


def _one(shop: Workshop, decision: Decision, engine: Engine | None) -> Candidate:
    """Return the candidate of one service, built by `engine`; None where it has no work."""
    service = decision.service
    if engine is None:
        assert decision.released is not None
        candidate = Candidate(
            service=service.name, content_tag=decision.content_tag, image=decision.released, unchanged=True
        )
        shop.display.end(service.name, "unchanged")
    else:
        secrets = secret_values(service, shop.environment)
        try:
            image = _built(shop, decision, engine, secrets)
        except McciError as error:
            shop.display.failed(service.name)
            raise masked_error(error, secrets) from error
        candidate = Candidate(service=service.name, content_tag=decision.content_tag, image=image)
        shop.display.end(service.name, f"built {image}")
    candidates.save(shop.root, candidate)
    return candidate


def _built(shop: Workshop, decision: Decision, engine: Engine, secrets: Mapping[str, str]) -> Reference:
    """Build, push and verify; return the image by its digest."""
    name = decision.service.name
    repository = candidate_repository(shop.config, decision.service, shop.environment)
    build = specification(shop, decision, repository, secrets)
    emit = partial(_tell, shop.display, name, tuple(secrets.values()))
    registry = shop.registries.of(repository)
    is_attested = supply_chain.is_wanted(shop.environment)
    base = build.labels.get(BASE_LABEL, "")
    ahead = supply_chain.head_start(registry, repository.at(LATEST), base, shop.layers)
    with ahead if is_attested else nullcontext():
        shop.display.begin(name, "build")
        engine.build(build, shop.credential, emit)
        shop.display.begin(name, "push")
        digest = engine.push(build.image, shop.credential, emit, insecure=build.insecure)
    if not digest:
        found = registry.head(build.image)
        if found is None:
            raise registry.http.missing(f"image {build.image}, just pushed,")
        digest = found.digest
    manifest = registry.get_manifest(repository.at(digest))  # raises where the registry has something else
    if is_attested:
        made = _provenance(shop, decision, repository.at(digest))
        supply_chain.attest(shop.root, registry, made, shop.environment, shop.layers)
    registry.put_manifest(repository.at(LATEST), manifest)
    return repository.at(digest)


def _provenance(shop: Workshop, decision: Decision, image: Reference) -> provenance.Build:
    """Return what is known of how `image` was built."""
    service = decision.service
    return provenance.Build(
        service=service.name,
        image=image,
        identity=release_repository(shop.config, service),
        content_tag=decision.content_tag,
        commit=shop.tree.commit,
        dockerfile=service.dockerfile_path,
        context=service.build_context,
        build_args=service.build_args,
        bases={base: pin.digest for base, pin in decision.pins.items()},
        **supply_chain.facts(shop.environment),
    )


def specification(shop: Workshop, decision: Decision, repository: Reference, secrets: Mapping[str, str]) -> Build:
    """Return what the engine is told."""
    service = decision.service
    pins = {base: str(image) for base, image in decision.pins.items()}
    return Build(
        image=repository.at(shop.tree.commit),
        context=shop.root / service.build_context,
        dockerfile=pinned(decision.source.dockerfile, service.build_args, pins),
        dockerfile_path=service.dockerfile_path,
        ignore=decision.source.ignore,
        args=service.build_args,
        labels=labels(decision, shop.tree, shop.environment),
        secrets=secrets,
        bases=tuple(dict.fromkeys(image.host for image in decision.pins.values())),
        cache=repository.at(LATEST) if shop.options.cache else None,
        timestamp=shop.tree.committed,
        network=shop.options.network,
        fresh=not shop.options.cache,
        insecure=shop.is_insecure(repository.host),
    )


def secret_values(service: Service, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the values of a service's build secrets, by name. Raises `UsageError` for one that is not set."""
    for name in service.build_secrets:
        if not environment.get(name):
            raise UsageError(
                f"the variable {name}, a build secret of {service.name}, is not set. Set it in the project's CI/CD"
                " settings (a protected variable is not there in merge requests), or in the environment."
            )
    return {name: environment[name] for name in service.build_secrets}


def masked(text: str, secrets: tuple[str, ...]) -> str:
    """Return `text` without the secrets' values, line by line where they have several."""
    for secret in secrets:
        for part in (secret, *secret.splitlines()):
            if len(part.strip()) > 3:
                text = text.replace(part, MASK)
    return text


def masked_error(error: McciError, secrets: Mapping[str, str]) -> McciError:
    """Return the error with its message masked, of the same kind."""
    text = masked(str(error), tuple(secrets.values()))
    if text == str(error):
        return error
    error.args = (text, *error.args[1:])
    return error


def _tell(display: Display, service: str, secrets: tuple[str, ...], event: Event) -> None:
    display.event(service, replace(event, text=masked(event.text, secrets)) if secrets else event)
