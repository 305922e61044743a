"""The status of a group of jobs."""

from __future__ import annotations

from itertools import combinations

import pytest

from mcci.simulation.status.composite import Tally, composite, kind
from mcci.simulation.status.model import Status

ALLOWED = "!"  # after a status: the job is allowed to fail


def kinds(text: str) -> int:
    """Return the mask of a text such as `failed! success`."""
    found = 0
    for word in text.split():
        found |= 1 << kind(Status(word.rstrip(ALLOWED)), word.endswith(ALLOWED))
    return found


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("success success", "success"),
        ("success failed", "failed"),
        ("success failed!", "success"),
        ("success canceled", "canceled"),
        ("success canceled!", "success"),
        ("success skipped", "success"),
        ("skipped", "skipped"),
        ("failed skipped", "failed"),
        ("failed canceled", "failed"),
        ("failed manual", "manual"),
        ("manual!", "skipped"),
        ("manual! skipped", "skipped"),
        ("manual! success", "success"),
        ("manual! created", "created"),
        ("manual! failed", "failed"),
        ("manual success", "manual"),
        ("manual created", "manual"),
        ("manual pending", "running"),
        ("created", "created"),
        ("created success", "running"),
        ("created failed!", "created"),
        ("created skipped", "pending"),
        ("created canceled", "running"),
        ("pending created", "pending"),
        ("pending success", "running"),
        ("pending skipped failed!", "pending"),
        ("pending canceled", "running"),
        ("running canceling", "running"),
        ("canceling canceled success", "canceling"),
        ("canceling created", "running"),
        ("preparing", "preparing"),
        ("preparing created", "preparing"),
        ("preparing success", "preparing"),
        ("preparing scheduled", "scheduled"),
        ("scheduled manual", "manual"),
        ("scheduled success", "scheduled"),
        ("scheduled failed", "scheduled"),
        ("waiting_for_resource", "waiting_for_resource"),
        ("waiting_for_resource success", "waiting_for_resource"),
        ("waiting_for_resource pending", "running"),
        ("waiting_for_resource manual", "waiting_for_resource"),
        ("failed!", "success"),
    ],
)
def test_stage_or_pipeline(group: str, expected: str) -> None:
    """A stage or a pipeline has the status that GitLab computes for its jobs."""
    assert composite(kinds(group)) is Status(expected)


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        ("success success", "success"),
        ("success failed", "failed"),
        ("success failed!", "success"),
        ("success skipped", "skipped"),
        ("failed skipped", "skipped"),
        ("running skipped", "skipped"),
        ("manual! running", "skipped"),
        ("manual running", "running"),
        ("canceled success", "canceled"),
    ],
)
def test_needs(needs: str, expected: str) -> None:
    """A need that was skipped, or is optional and manual, decides over all others."""
    assert composite(kinds(needs), needed=True) is Status(expected)


def test_nothing_stands_in_the_way() -> None:
    """A job without anything before it may go on."""
    assert composite(0) is composite(0, needed=True) is Status.SUCCESS


def test_a_completed_group_has_no_open_job() -> None:
    """No group with a job that may still run is completed, whatever its other jobs are, unless a need was skipped."""
    words = [f"{status.value}{mark}" for status in Status for mark in ("", ALLOWED)]
    open_words = [word for word in words if Status(word.rstrip(ALLOWED)) in OPEN]
    for size in (0, 1, 2, 3):
        for others in combinations(words, size):
            for word in open_words:
                assert composite(kinds(" ".join([word, *others]))) not in COMPLETED, (word, others)


OPEN = frozenset(Status) - {Status.SUCCESS, Status.FAILED, Status.CANCELED, Status.SKIPPED, Status.MANUAL}
COMPLETED = (Status.SUCCESS, Status.FAILED, Status.CANCELED, Status.SKIPPED)


def test_tally_forgets_what_it_no_longer_has() -> None:
    """A kind is in the mask as long as there is a job of it."""
    tally = Tally()
    tally.add(3)
    tally.add(3)
    tally.remove(3)
    assert tally.kinds == 1 << 3
    tally.remove(3)
    assert tally.kinds == 0
