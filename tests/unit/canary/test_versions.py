"""A version's name comes from the image's digest alone."""

from __future__ import annotations

import pytest

from mcci.canary.versions import VERSION, version_of
from mcci.errors import UsageError

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize("image", [DIGEST, f"docker.io/vehicles/staff@{DIGEST}", f"r:5000/staff:tag@{DIGEST}"])
def test_is_the_digests_beginning(image: str) -> None:
    """Registry, tag and repository do not matter."""
    assert version_of(image) == "v0123456789"
    assert VERSION.fullmatch(version_of(image))


@pytest.mark.parametrize("image", ["staff:latest", "staff@sha256:123", "", "sha256:" + "g" * 64])
def test_needs_a_digest(image: str) -> None:
    """A tag may move, so it names no version."""
    with pytest.raises(UsageError, match="has no digest"):
        version_of(image)
