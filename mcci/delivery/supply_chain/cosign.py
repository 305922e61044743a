"""Signatures of images as cosign writes them: a payload naming the digest, its signature in an annotation. Pure.

Source: https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md ("simple signing")
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from mcci.clients.registry.reference import parse
from mcci.errors import UsageError

if TYPE_CHECKING:
    from mcci.clients.registry.manifests import Descriptor
    from mcci.clients.signing import Verifier

PAYLOAD_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNATURE_ARTIFACT = "application/vnd.dev.cosign.artifact.sig.v1+json"
ANNOTATION = "dev.cosignproject.cosign/signature"
KIND = "cosign container image signature"


def tag(digest: str, suffix: str = "sig") -> str:
    """Return the tag under which cosign looks for what belongs to `digest`: `sig` or `att`."""
    return f"{digest.replace(':', '-')}.{suffix}"


def payload(name: str, digest: str) -> bytes:
    """Return what is signed: that the image `name` (a repository) has `digest`."""
    body = {
        "critical": {
            "identity": {"docker-reference": name},
            "image": {"docker-manifest-digest": digest},
            "type": KIND,
        },
        "optional": None,
    }
    return json.dumps(body, separators=(",", ":")).encode()


def fault(layer: Descriptor, data: bytes, name: str, digest: str, verifier: Verifier) -> str:
    """Return what is wrong with a signature of the image; nothing where it is good.

    `layer` points at the payload `data` and carries the signature. `name` must be the one that was signed: else a
    signed image of one service could stand in for another's.
    """
    try:
        signature = base64.b64decode(layer.annotations.get(ANNOTATION, ""), validate=True)
        critical = json.loads(data)["critical"]
        told = critical["image"]["docker-manifest-digest"], critical["type"], critical["identity"]["docker-reference"]
    except (ValueError, KeyError, TypeError):
        return "it cannot be read"
    if not all(isinstance(each, str) for each in told):
        return "it cannot be read"
    if not signature or not verifier.accepts(data, signature):
        return "it is not by this key, or was altered"
    if told[0] != digest:
        return f"it is of {told[0]}"
    if told[1] != KIND:
        return f"it is a '{told[1]}'"
    return "" if _repository(told[2]) == name else f"it is of an image of {told[2]}"


def _repository(told: str) -> str:
    """Return the repository that a payload names: cosign writes `index.docker.io`, and perhaps a tag or digest."""
    try:
        return parse(told).name
    except UsageError:
        return told
