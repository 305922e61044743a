"""The name of a service's version: told from the image alone, so that every cluster and every job calls it the same."""

from __future__ import annotations

import re

from mcci.errors import UsageError

VERSION = re.compile(r"v[0-9a-f]{10}")
_DIGEST = re.compile(r"(?:^|@)sha256:([0-9a-f]{64})$|(?:^|@)sha512:([0-9a-f]{128})$")


def version_of(image: str) -> str:
    """Return the version of `image`, a digest or a reference with one: `v` and the first ten digits of the digest.

    It is a DNS label, the label `version` of the pods, the name of the subset and part of the Helm release's name.
    Raises `UsageError` where `image` has no digest: a tag may move.
    """
    found = _DIGEST.search(image)
    if not found:
        raise UsageError(f"the image {image} has no digest, so its version has no name. Deploy images by digest only.")
    return f"v{(found[1] or found[2])[:10]}"
