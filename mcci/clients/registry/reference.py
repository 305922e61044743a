"""Names of images: `host/repository:tag@digest`, as registries and engines write them.

Source: https://pkg.go.dev/github.com/distribution/reference (the grammar); Docker Hub's short names are spelt out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from mcci.errors import UsageError

DOCKER_HUB = "docker.io"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::\d{1,5})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """An image, or a repository when it has neither tag nor digest."""

    host: str
    repository: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.name}{tag}{'@' + self.digest if self.digest else ''}"

    @property
    def name(self) -> str:
        """The repository with its host: `docker.io/library/python`."""
        return f"{self.host}/{self.repository}"

    @property
    def version(self) -> str:
        """What the API takes to name a manifest: the digest where there is one, else the tag."""
        return self.digest or self.tag

    def at(self, version: str) -> Reference:
        """Return the same repository's image with this tag or digest, and nothing else."""
        if DIGEST.fullmatch(version):
            return replace(self, tag="", digest=version)
        return replace(self, tag=version, digest="")


def parse(text: str) -> Reference:
    """Return the reference that `text` writes. Raises `UsageError` where it writes none."""
    rest, at, digest = text.partition("@")
    rest, tag = _split_tag(rest)
    host, repository = _split_host(rest)
    reference = Reference(host=host, repository=repository, tag=tag, digest=digest)
    sound = _REPOSITORY.fullmatch(repository) and _HOST.fullmatch(host) and len(repository) <= 255
    if not sound or (tag and not TAG.fullmatch(tag)) or (bool(at) and not DIGEST.fullmatch(digest)):
        raise UsageError(f"'{text}' is no image's name. It is written HOST/REPOSITORY:TAG or HOST/REPOSITORY@sha256:…")
    return reference


def _split_tag(text: str) -> tuple[str, str]:
    name, _, tag = text.rpartition(":")
    return (name, tag) if name and tag and "/" not in tag else (text, "")


def _split_host(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        host, repository = first, rest
    else:
        host, repository = DOCKER_HUB, text
    if host in ("index.docker.io", "registry-1.docker.io"):
        host = DOCKER_HUB
    if host == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    return host, repository
