"""The software bill of materials, as CycloneDX writes it, by its own library. The same image gives the same text.

Source: https://cyclonedx.org/docs/1.6/json/
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import mcci

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcci.clients.registry.reference import Reference
    from mcci.delivery.supply_chain.packages import Package

MEDIA_TYPE = "application/vnd.cyclonedx+json"
PREDICATE = "https://cyclonedx.org/bom"


def write(image: Reference, service: str, packages: Iterable[Package], created: str = "") -> str:
    """Return the bill of materials of `image` (by digest); `created` is when the image was, RFC 3339."""
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6

    root = Component(
        name=service, type=ComponentType.CONTAINER, version=image.digest, bom_ref=str(image), purl=_oci(image)
    )
    bom = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_URL, str(image)))
    bom.metadata.component = root
    bom.metadata.timestamp = _time(created)
    bom.metadata.tools.components.add(Component(name="mcci", version=mcci.__version__, type=ComponentType.APPLICATION))
    parts = [_component(package) for package in packages]
    for part in parts:
        bom.components.add(part)
    bom.register_dependency(root, parts)
    return str(JsonV1Dot6(bom).output_as_string(indent=2)) + "\n"


def load() -> None:
    """Load CycloneDX's library, which takes a tenth of a second: a moment to do that in may be better than another."""
    import cyclonedx.contrib.license.factories
    import cyclonedx.model.bom
    import cyclonedx.output.json  # noqa: F401


def _component(package: Package) -> Any:
    from cyclonedx.contrib.license.factories import LicenseFactory
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    licences = [LicenseFactory().make_from_string(package.licence)] if package.licence else []
    return Component(
        name=package.name, version=package.version, type=ComponentType.LIBRARY, bom_ref=package.purl,
        purl=PackageURL.from_string(package.purl), licenses=licences,
    )  # fmt: skip


def _oci(image: Reference) -> Any:
    from packageurl import PackageURL

    name = image.repository.rpartition("/")[2]
    return PackageURL(type="oci", name=name, version=image.digest, qualifiers={"repository_url": image.name})


def _time(created: str) -> datetime:
    try:
        found = datetime.fromisoformat(created)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
