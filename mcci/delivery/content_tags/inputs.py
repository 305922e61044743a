"""What a service's image is built from, as one value, and the content tag that is its name.

Two commits with the same inputs share one image, whatever else changed between them. So the tag has to depend on all
that can change the image and on nothing that differs from machine to machine: files count as git sees them (the
content after git's own line-ending conversion, the executable bit, a symbolic link's target), in the order of their
paths; what git does not track, what a compile job has made, clocks and folders' places do not count.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcci.config.model import Service

FORMAT = 1  # part of every tag: a new number rebuilds everything
PREFIX = "content-"  # a tag that is never taken for a commit's
LENGTH = 40  # hexadecimal digits: 160 bits


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """All that decides a service's image.

    `files` maps a path to `mode id`, as git has them; `settings` is what mcci.yml says of the build; `bases` maps
    each base image, as the Dockerfile writes it, to its digest; `services` maps the services it depends on to their
    content tags.
    """

    files: Mapping[str, str]
    settings: Mapping[str, object]
    bases: Mapping[str, str]
    services: Mapping[str, str]

    @property
    def summary(self) -> dict[str, Any]:
        """The inputs with the files as one digest: what an image's label holds, for the next build to compare with."""
        return {
            "format": FORMAT,
            "files": _digest(dict(self.files)),
            "settings": dict(self.settings),
            "bases": dict(self.bases),
            "services": dict(self.services),
        }


def content_tag(inputs: Inputs) -> str:
    """Return the content tag, `content-` and 40 hexadecimal digits."""
    return f"{PREFIX}{_digest(inputs.summary)[:LENGTH]}"


def settings(service: Service) -> dict[str, object]:
    """Return what mcci.yml says of a service's build. Secrets count by name; their values never leave the job."""
    return {
        "stack": service.stack.value,
        "folder": service.folder,
        "context": service.build_context,
        "dockerfile": service.dockerfile_path,
        "build_args": dict(service.build_args),
        "build_secrets": sorted(service.build_secrets),
    }


def chosen(files: Mapping[str, str], paths: tuple[str, ...]) -> dict[str, str]:
    """Return the files that are one of `paths` or lie below one."""
    prefixes = tuple("" if path == "." else f"{path}/" for path in paths)
    return {path: entry for path, entry in files.items() if path.startswith(prefixes) or path in paths}


def _digest(value: Mapping[str, object]) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
