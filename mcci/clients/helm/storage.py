"""Helm's releases as it keeps them in a cluster: one Secret a revision, gzipped JSON inside; pure.

Read directly, a whole namespace is one request, where `helm` takes two processes a release. The form has been the same
since Helm 3.0, and Helm 4 writes it too.

Source: https://helm.sh/docs/topics/advanced/#storage-backends
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import zlib
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcci.errors import McciError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.clients.kubernetes.api import Object

CURRENT = "owner=helm,status!=superseded"  # label selector: the newest revision of each release, and what failed
UNSETTLED = f"{CURRENT},status!=deployed,status!=failed"  # what a helm is at, or was
DEPLOYED = "deployed"
FAILED = "failed"
PENDING = ("pending-install", "pending-upgrade", "pending-rollback", "uninstalling")
MAX_BYTES = 64 * 2**20  # a Secret holds 1 MiB; what unpacks to more is no release


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRelease:
    """One revision of a release: the values it was given (`config`), the chart it came from, what was rendered."""

    name: str
    revision: int
    status: str
    description: str
    config: Mapping[str, Any] = field(repr=False)
    manifest: str = field(repr=False)
    chart: Mapping[str, Any] = field(repr=False)

    @property
    def chart_name(self) -> str:
        """The chart's name."""
        return str((self.chart.get("metadata") or {}).get("name", ""))


def read(secret: Object) -> StoredRelease:
    """Return the release in a Secret of Helm's. Raises `McciError` where it cannot be read."""
    try:
        body = _payload(secret)
        info = body.get("info") or {}
        return StoredRelease(
            name=body["name"],
            revision=int(body["version"]),
            status=str(info.get("status", "")),
            description=str(info.get("description", "")),
            config=body.get("config") or {},
            manifest=body.get("manifest") or "",
            chart=body.get("chart") or {},
        )
    except (KeyError, ValueError, TypeError, OSError, EOFError, zlib.error, binascii.Error) as error:
        name = secret.get("metadata", {}).get("name", "")
        raise McciError(
            f"the Secret {name} does not hold a release as Helm writes it: {error!r}. `helm history` tells more."
        ) from error


def marked_failed(secret: Object) -> Object:
    """Return a copy of the Secret of a revision that a dead helm left pending, with the revision marked as failed."""
    body = _payload(secret)
    body["info"] = {
        **(body.get("info") or {}),
        "status": FAILED,
        "description": "marked as failed by mcci: the job that was at it has ended",
    }
    result = deepcopy(secret)
    packed = base64.b64encode(gzip.compress(json.dumps(body).encode()))
    result["data"] = {**result["data"], "release": base64.b64encode(packed).decode()}
    result["metadata"]["labels"] = {**result["metadata"].get("labels", {}), "status": FAILED}
    return result


def chart_files(release: StoredRelease) -> dict[str, bytes]:
    """Return the chart that a release came from, as files by path."""
    chart = release.chart
    files = {
        "Chart.yaml": json.dumps(chart.get("metadata") or {}).encode(),  # JSON is YAML
        "values.yaml": json.dumps(chart.get("values") or {}).encode(),
    }
    if chart.get("schema"):
        files["values.schema.json"] = base64.b64decode(chart["schema"])
    for each in [*(chart.get("templates") or []), *(chart.get("files") or [])]:
        files[each["name"]] = base64.b64decode(each["data"])
    return files


def _payload(secret: Object) -> dict[str, Any]:
    packed = base64.b64decode(base64.b64decode(secret["data"]["release"]))
    if packed[:2] == b"\x1f\x8b":
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        packed = unpacker.decompress(packed, MAX_BYTES)
        if unpacker.unconsumed_tail:
            raise ValueError(f"more than {MAX_BYTES} bytes")
    body = json.loads(packed)
    if not isinstance(body, dict):
        raise TypeError("not an object")
    return body
