"""What a request's body says, in any of the encodings that clients use."""

from __future__ import annotations

import json
from typing import Any

import yaml

from mcci.lab.clusters.api import protobuf
from mcci.lab.clusters.status import ApiError, bad_request

Object = dict[str, Any]
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse(body: bytes, content_type: str) -> Any:
    """Return the body as JSON has it; an empty one is an empty object. Raises ApiError 400, 415."""
    kind = content_type.partition(";")[0].strip()
    if not body:
        return {}
    if kind == protobuf.CONTENT_TYPE:
        return protobuf.decode(body)
    if kind.endswith("cbor"):
        raise ApiError(415, "UnsupportedMediaType", "the lab reads JSON, YAML and protobuf, not CBOR")
    try:
        return json.loads(body)
    except ValueError as error:
        if not kind.endswith("yaml"):
            raise bad_request(f"the body is not JSON: {error}") from error
    try:
        return yaml.load(body, Loader=LOADER)  # noqa: S506 - one of the two safe loaders
    except yaml.YAMLError as error:
        raise bad_request(f"the body is not YAML: {error}") from error


def parse_object(body: bytes, content_type: str) -> Object:
    """As parse, of what must be an object."""
    parsed = parse(body, content_type)
    if not isinstance(parsed, dict):
        raise bad_request("the body is not an object")
    return parsed
