"""Names of images."""

from __future__ import annotations

import pytest

from mcci.clients.registry.reference import Reference, parse
from mcci.delivery.registries import mirrored
from mcci.errors import UsageError

DIGEST = "sha256:" + "0" * 64
PROXY = "gitlab.example/g/dependency_proxy/containers"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("python", Reference(host="docker.io", repository="library/python")),
        ("python:3.12-slim", Reference(host="docker.io", repository="library/python", tag="3.12-slim")),
        ("index.docker.io/a/b", Reference(host="docker.io", repository="a/b")),
        ("localhost/a", Reference(host="localhost", repository="a")),
        ("127.0.0.1:5000/a/b:1", Reference(host="127.0.0.1:5000", repository="a/b", tag="1")),
        ("[::1]:5000/a", Reference(host="[::1]:5000", repository="a")),
        (f"ghcr.io/x/y:t@{DIGEST}", Reference(host="ghcr.io", repository="x/y", tag="t", digest=DIGEST)),
    ],
)
def test_parsed(text: str, expected: Reference) -> None:
    """A name is read as engines read it, Docker Hub's short names spelt out; written, it reads the same."""
    assert parse(text) == expected
    assert parse(str(expected)) == expected


@pytest.mark.parametrize(
    "text",
    ["", ":", "a:", "A/b", "a//b", "a b", "a@sha256:12", "a@", "-a", "a/b:" + "x" * 129, "../a", "a/../b", "a\n", "/a"],
)
def test_refused(text: str) -> None:
    """What no registry would take is refused, with what was given."""
    with pytest.raises(UsageError, match="is no image's name"):
        parse(text)


@pytest.mark.parametrize(
    ("image", "mirror", "expected"),
    [
        ("python:3", "", "docker.io/library/python:3"),
        ("python:3", "mirror.example", "mirror.example/library/python:3"),
        ("python:3", PROXY, f"{PROXY}/python:3"),
        ("a/b:3", f"{PROXY}/", f"{PROXY}/a/b:3"),
        ("ghcr.io/a:3", "mirror.example", "ghcr.io/a:3"),
    ],
)  # fmt: skip
def test_mirrored(image: str, mirror: str, expected: str) -> None:
    """Docker Hub's images are read through the mirror, GitLab's proxy taking their short names; others are not."""
    assert str(mirrored(parse(image), mirror)) == expected
