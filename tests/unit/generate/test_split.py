"""Near GitLab's limits a child pipeline is split by service into children of its own."""

from __future__ import annotations

import pytest

from mcci.pipeline import limits
from mcci.pipeline.generate.branches import ROOM
from tests.unit.generate.generated import files, jobs, make


def config(services: int) -> str:
    """Return a configuration of so many services."""
    lines = [f"  service-{number}: {{path: services/{number}}}" for number in range(services)]
    top = ["version: 1", "application: big", "services:", *lines, "clusters: {one: {}, two: {}}"]
    return "\n".join([*top, "environments: {stage: {clusters: [one]}, production: {clusters: [two]}}"])


@pytest.fixture(scope="module", name="large")
def _large() -> dict[str, str]:
    return files(make(config(600)))


def test_small_stays_whole() -> None:
    """Sixty services fit in one file a branch."""
    assert set(files(make(config(60)))) == {".gitlab-ci.yml", "develop-gitlab-ci.yml", "deploy-gitlab-ci.yml"}


def test_every_file_has_room(large: dict[str, str]) -> None:
    """No file comes near the size that GitLab takes."""
    assert max(len(text.encode()) for text in large.values()) <= ROOM


def test_nothing_is_lost(large: dict[str, str]) -> None:
    """Split or whole, each service has its jobs exactly once."""
    names = [name for text in large.values() for name in jobs(text) if name.startswith(("build ", "promote "))]
    expected = [f"{verb} service-{number}" for verb in ("build", "promote") for number in range(600)]
    assert sorted(names) == sorted(expected)


def test_children_are_triggered(large: dict[str, str]) -> None:
    """The child triggers each of its parts, in order, and shows its status; no part has children of its own."""
    for child, word in (("develop-gitlab-ci", "services"), ("deploy-gitlab-ci", "canaries")):
        parts = sorted(path for path in large if path.startswith(f"{child}/"))
        triggers = {name: job for name, job in jobs(large[f"{child}.yml"]).items() if "trigger" in job}
        assert [job["trigger"]["include"][0]["local"] for job in triggers.values()] == [
            f"{child}/{number}.yml" for number in range(1, len(parts) + 1)
        ]
        assert [*triggers] == [f"{word} {number}" for number in range(1, len(parts) + 1)]
        assert {job["trigger"]["strategy"] for job in triggers.values()} == {"mirror"}
        assert not [path for path in parts for job in jobs(large[path]).values() if "trigger" in job]
    assert len(large) < limits.MAX_HIERARCHY


def test_split_canaries_wait_for_production(large: dict[str, str]) -> None:
    """Canaries in children start after production is verified, and read the release of the pipeline above."""
    trigger = jobs(large["deploy-gitlab-ci.yml"])["canaries 1"]
    assert trigger["needs"] == ["verify production/two"]
    assert trigger["variables"] == {"PARENT_PIPELINE_ID": "$CI_PIPELINE_ID"}
    first = jobs(large["deploy-gitlab-ci/1.yml"])["canary service-0 10"]
    assert first["needs"] == [{"pipeline": "$PARENT_PIPELINE_ID", "job": "release"}]


def test_no_part_is_empty_in_a_merge_request(large: dict[str, str]) -> None:
    """Every part of the development pipeline has a job that always runs: GitLab fails an empty child."""
    for path, text in large.items():
        if path.startswith("develop-gitlab-ci/"):
            assert "rules" not in jobs(text)["check"]
