"""What jobs handed over that a report can read: releases, and canaries."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

from mcci.canary import state_json
from mcci.canary.report import chart
from mcci.canary.state import SCHEMA as CANARY
from mcci.clients.registry import reference
from mcci.delivery.release.model import FILE
from mcci.delivery.release.model import SCHEMA as RELEASE
from mcci.rehearsal.report.model import Canary, Image, Move, Point

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from mcci.canary.state import State
    from mcci.rehearsal.gitlab.model import Build

LARGEST = 4 * 2**20  # bytes of a file that is read


def documents(build: Build) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the JSON documents with a schema in a job's archive, with their paths; what cannot be read is left out."""
    for artifact in build.artifacts:
        if artifact.type == "archive":
            yield from _read(artifact.path)


def _read(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        with zipfile.ZipFile(path) as archive:
            for each in archive.infolist():
                if each.filename.endswith(".json") and each.file_size <= LARGEST:
                    found = json.loads(archive.read(each))
                    if isinstance(found, dict) and "schema" in found:
                        yield each.filename, found
    except (OSError, zipfile.BadZipFile, ValueError, RuntimeError):
        return


def release(found: Iterable[tuple[str, dict[str, Any]]]) -> tuple[str, tuple[Image, ...]] | None:
    """Return the release among a job's documents: its name and images."""
    for name, body in found:
        if name.rpartition("/")[2] == FILE and body["schema"] == RELEASE:
            try:
                return str(body["release"]), tuple(_image(each) for each in body["services"])
            except (KeyError, TypeError, ValueError):
                return None
    return None


def _image(entry: dict[str, Any]) -> Image:
    return Image(
        service=entry["service"], digest=reference.parse(entry["image"]).digest,
        content_tag=entry["content_tag"], commit=entry["commit"],
    )  # fmt: skip


def canaries(found: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[Canary]:
    """Yield the canaries among a job's documents, as the job left them."""
    for _, body in found:
        if body["schema"] == CANARY:
            try:
                yield canary(state_json.load(json.dumps(body)))
            except (KeyError, TypeError, ValueError, AttributeError):
                continue


def canary(state: State) -> Canary:
    """Return what a report says of a canary's state."""
    return Canary(
        service=state.service,
        stable=state.stable,
        canary=state.canary or state.stable,
        phase=state.phase.value,
        points=tuple(
            Point(at=each.at, weight=each.weight, errors=each.errors, latency=each.latency, mark=each.mark)
            for each in chart.points(state)
        ),
        moves=tuple(
            Move(at=each.at.timestamp(), action=each.action.value, step=each.step, who=each.actor.who,
                 verdict=each.verdict, why=each.why)
            for each in state.history
        ),
    )  # fmt: skip
