"""The file `release.json`, which the release job writes and every later job of the pipeline reads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcci.clients import files
from mcci.clients.registry import reference
from mcci.clients.registry.reference import Reference
from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE = "release.json"
SCHEMA = "mcci.release/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One service of a release.

    `image` has a digest. `commit` is the one the image was built from, which may be older than the release;
    `source_pipeline` is the URL of the pipeline that built it, empty when it was built elsewhere.
    """

    service: str
    image: Reference
    content_tag: str = ""
    commit: str = ""
    source_pipeline: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A release and its images by service. Without a name it has none: each environment keeps what it has recorded."""

    name: str
    images: Mapping[str, Image]


def dump(release: Release) -> str:
    """Return the release as the file's text."""
    return json.dumps({"schema": SCHEMA, **body(release)}, indent=2) + "\n"


def body(release: Release) -> dict[str, Any]:
    """Return the release as JSON has it, without the schema."""
    services = [
        {
            "service": each.service,
            "image": str(each.image),
            "content_tag": each.content_tag,
            "commit": each.commit,
            "source_pipeline": each.source_pipeline,
        }
        for each in release.images.values()
    ]
    return {"release": release.name, "services": services}


def load(file: Path) -> Release:
    """Return the release in `file`. Raises `InvalidInput` where there is no such file, `UsageError` for another one."""
    advice = "`mcci release resolve` writes it; in a pipeline it is the artifact of the job `release`."
    data = files.read(file, advice=advice)
    try:
        found: Any = json.loads(data)
        if not isinstance(found, dict) or found.get("schema") != SCHEMA:
            raise UsageError(f"{file} is not of the form {SCHEMA}, which this version of mcci reads. Resolve again.")
        images = [_image(each, file) for each in found["services"]]
        return Release(name=_text(found, "release"), images={each.service: each for each in images})
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{file} is damaged: it is not what `mcci release resolve` writes. Resolve again.") from error


def _image(entry: dict[str, Any], file: Path) -> Image:
    image = reference.parse(_text(entry, "image"))
    if not image.digest:
        raise UsageError(f"{file} names the image {image} without a digest: a tag may move. Resolve again.")
    names = ("service", "content_tag", "commit", "source_pipeline")
    return Image(image=image, **{name: _text(entry, name) for name in names})


def _text(entry: dict[str, Any], key: str) -> str:
    value = entry[key]
    if not isinstance(value, str):
        raise TypeError(key)
    return value
