"""Looks a release's tag up for every service, and where each image comes from."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from mcci.clients.registry.errors import NotThere
from mcci.delivery import registries
from mcci.delivery.candidates import COMMIT_LABEL, CONTENT_TAG_LABEL, PIPELINE_LABEL
from mcci.delivery.release.model import Image, Release

if TYPE_CHECKING:
    from mcci.config.model import Config, Service
    from mcci.delivery.registries import Registries

AT_ONCE = 8


def resolve(config: Config, name: str, opened: Registries) -> Release:
    """Return the release `name`. Raises `NotThere`, naming every image that is missing."""
    services = list(config.services.values())
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="resolve") as pool:
        found = list(pool.map(lambda service: _image(config, service, name, opened), services))
    missing = [service for service, image in zip(services, found, strict=True) if image is None]
    if missing:
        images = ", ".join(str(registries.release_repository(config, service).at(name)) for service in missing)
        raise NotThere(
            f"the release {name} is not complete: there is no image {images}. `mcci push` of the development branch's"
            " pipeline writes it: see whether its push jobs for this commit are done."
        )
    return Release(name=name, images={image.service: image for image in found if image})


def _image(config: Config, service: Service, name: str, opened: Registries) -> Image | None:
    repository = registries.release_repository(config, service)
    registry = opened.of(repository)
    found = registry.head(repository.at(name))
    if found is None:
        return None
    image = repository.at(found.digest)
    labels = _labels(registry.config(image))
    return Image(
        service=service.name,
        image=image,
        content_tag=labels.get(CONTENT_TAG_LABEL, ""),
        commit=labels.get(COMMIT_LABEL) or name,
        source_pipeline=labels.get(PIPELINE_LABEL, ""),
    )


def _labels(config: dict[str, Any]) -> dict[str, str]:
    found = (config.get("config") or {}).get("Labels") or {}
    return {str(key): str(value) for key, value in found.items()}
