"""The environment's record: what it keeps, what a damaged one says, and who is stale."""

from __future__ import annotations

import pytest

from mcci.clients.registry.reference import parse
from mcci.delivery.deploy import record
from mcci.delivery.deploy.record import Good, Record, Recorded, Stale
from mcci.errors import McciError


def good(number: int, pipeline: int | None = None, service: str = "web") -> Good:
    """A release whose image's digest is that number."""
    image = parse(f"registry.example.com/fleet/{service}@sha256:{number:064x}")
    recorded = Recorded(image=image, version=f"v{number}", commit="c")
    return Good(release=f"r{number}", pipeline=pipeline, pipeline_url="", images={service: recorded})


def test_round_trip() -> None:
    """What is written is read again, resourceVersion and token carried."""
    found = record.deployed(record.deployed(None, good(1, 7)), good(2, 8))
    body = record.config_map(found, "fleet", 5, {"metadata": {"resourceVersion": "9", "labels": {"a": "b"}}})
    assert record.read(body, "one") == found
    assert body["metadata"]["resourceVersion"] == "9"
    assert body["metadata"]["labels"] == {"a": "b", "app.kubernetes.io/managed-by": "mcci"}
    assert body["metadata"]["annotations"] == {"mcci.io/token": "5"}


def test_previous() -> None:
    """Ten good releases before are kept, the newest first; the same one again adds none; other services stay."""
    found = record.deployed(None, good(0))
    for number in range(1, 15):
        found = record.deployed(record.deployed(found, good(number)), good(number))
    assert [each.release for each in found.previous] == [f"r{number}" for number in range(13, 3, -1)]
    both = record.deployed(found, good(3, service="api"))
    assert set(both.now.images) == {"web", "api"}


def test_rolled_back() -> None:
    """What was rolled back from, and what came after the goal, is no longer among the good ones."""
    found = Record(now=good(3), previous=(good(2), good(1), good(0)))
    back = record.rolled_back(found, good(1), good(1, 9))
    assert (back.now.release, back.now.pipeline) == ("r1", 9)
    assert [each.release for each in back.previous] == ["r0"]


def test_stale() -> None:
    """Only an older pipeline is stale: not the same one, not a person at a terminal."""
    found = Record(now=good(1, 10))
    with pytest.raises(Stale, match="pipeline 10"):
        record.check_fresh(found, 9, "one")
    record.check_fresh(found, 10, "one")
    record.check_fresh(found, None, "one")
    record.check_fresh(None, 1, "one")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "mcci.environment/2"}'])
def test_damaged(text: str) -> None:
    """A record that mcci did not write is told, with how to look at it."""
    with pytest.raises(McciError, match=r"one: the ConfigMap mcci-environment is not what mcci writes.*kubectl get"):
        record.read({"data": {"record": text}}, "one")
