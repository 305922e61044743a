"""The file that one job leaves for the next: which image was built for a service, or that none had to be.

`mcci build` writes `candidates/<service>.json`, `mcci test` and `mcci push` read it. The image is always named by its
digest, so what is pushed is what was tested.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcci.clients import files
from mcci.clients.registry import reference
from mcci.clients.registry.reference import Reference
from mcci.errors import UsageError

FOLDER = "candidates"
SCHEMA = "mcci.candidate/1"
# labels that `mcci build` gives an image, by which `mcci release` tells where it comes from
COMMIT_LABEL = "org.opencontainers.image.revision"
BASE_LABEL = "org.opencontainers.image.base.digest"
CONTENT_TAG_LABEL = "io.mcci.content-tag"
PIPELINE_LABEL = "io.mcci.pipeline"  # the URL of the pipeline that built it; absent at a terminal


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A service's image, on its way to the release registry.

    `image` has a digest: in the candidates' registry, or, when `unchanged`, in the release registry, which has this
    content already under `content_tag`.
    """

    service: str
    content_tag: str
    image: Reference
    unchanged: bool = False


def path(folder: Path, service: str) -> Path:
    """Return where the candidate of `service` is kept; `folder` is the one that holds `mcci.yml`."""
    return folder / FOLDER / f"{service}.json"


def dump(candidate: Candidate) -> str:
    """Return the candidate as the file's text."""
    body = {
        "schema": SCHEMA,
        "service": candidate.service,
        "content_tag": candidate.content_tag,
        "image": str(candidate.image),
        "unchanged": candidate.unchanged,
    }
    return json.dumps(body, indent=2) + "\n"


def load(folder: Path, service: str) -> Candidate:
    """Return the candidate of `service`.

    Raises `InvalidInput` when there is no such file, `UsageError` when it is not what `dump` writes for this service.
    """
    file = path(folder, service)
    advice = f"`mcci build {service}` writes it; in a pipeline it is the artifact of the job `build {service}`."
    found = _parse(files.read(file, advice=advice), file)
    if found.service != service:
        raise UsageError(f"{file} is the candidate of '{found.service}', not of '{service}'. Run `mcci build` again.")
    return found


def save(folder: Path, candidate: Candidate) -> Path:
    """Write the candidate's file and return its path."""
    file = path(folder, candidate.service)
    files.replace_all({file: dump(candidate)})
    return file


def _parse(data: bytes, file: Path) -> Candidate:
    try:
        body: Any = json.loads(data)
        if not isinstance(body, dict) or body.get("schema") != SCHEMA:
            raise UsageError(f"{file} is not of the form {SCHEMA}, which this version of mcci reads. Build again.")
        texts = [body["service"], body["content_tag"], body["image"]]
        if not all(isinstance(text, str) and text for text in texts) or not isinstance(body["unchanged"], bool):
            raise TypeError
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{file} is damaged: it is not what `mcci build` writes. Build the service again.") from error
    image = reference.parse(texts[2])
    if not image.digest:
        raise UsageError(f"{file} names the image {image} without a digest: a tag may move. Build the service again.")
    return Candidate(service=texts[0], content_tag=texts[1], image=image, unchanged=body["unchanged"])
