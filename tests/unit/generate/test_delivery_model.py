"""The generated pipelines keep the promises of the delivery model (docs/explanation/delivery-model.md)."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.unit.generate.generated import CASES, ROOT, files, jobs, make

SAMPLE = (ROOT / "sample-app" / "mcci.yml").read_text()
NAMES = sorted(path.parent.name for path in CASES.glob("*/mcci.yml"))
WRITES_CLUSTER = (
    "mcci deploy --environment",
    "mcci rollback",
    "mcci canary step",
    "mcci canary promote",
    "mcci canary abort",
)


def case(name: str) -> str:
    """Return the configuration of a golden case."""
    return (CASES / name / "mcci.yml").read_text()


def all_jobs(config: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Return every job of every file, by (path, name)."""
    return {(path, name): job for path, text in files(make(config)).items() for name, job in jobs(text).items()}


def writes(job: dict[str, Any]) -> bool:
    """Whether the job's script changes a cluster."""
    script = " ".join(job.get("script", []))
    return any(command in script for command in WRITES_CLUSTER) and "--dry-run" not in script


def sources(job: dict[str, Any]) -> list[str]:
    """Return the names of the jobs that `job` needs."""
    return [need["job"] if isinstance(need, dict) else need for need in job.get("needs", [])]


@pytest.mark.parametrize("name", NAMES)
def test_same_bytes_again(name: str) -> None:
    """The same configuration gives the same bytes, however often."""
    assert files(make(case(name))) == files(make(case(name)))


@pytest.mark.parametrize("name", NAMES)
def test_no_anchors(name: str) -> None:
    """No generated file holds an anchor or an alias."""
    for text in files(make(case(name))).values():
        events = list(yaml.parse(text, yaml.CSafeLoader))
        assert not [event for event in events if getattr(event, "anchor", None)]


def test_one_parent_for_all_branches() -> None:
    """The parent pipeline is the same on the three branches."""
    parents = {each[".gitlab-ci.yml"] for each in make(SAMPLE).files.values()}
    assert len(parents) == 1


@pytest.mark.parametrize("name", NAMES)
def test_what_writes_a_cluster(name: str) -> None:
    """A job that writes a cluster never runs in a merge request, is never interrupted, and has a resource group."""
    for job in all_jobs(case(name)).values():
        if writes(job):
            assert [rule["if"] for rule in job["rules"]] == ["$CI_MERGE_REQUEST_ID == null"]
            assert job["interruptible"] is False
            assert job["resource_group"]


@pytest.mark.parametrize("name", NAMES)
def test_production_waits_for_a_person(name: str) -> None:
    """A production deploy is a manual job that blocks what follows until it has succeeded."""
    deploys = {
        job_name: job for (_, job_name), job in all_jobs(case(name)).items() if job_name.startswith("deploy production")
    }
    assert all(job["rules"][0]["when"] == "manual" for job in deploys.values())
    assert all(job["rules"][0]["allow_failure"] is False for job in deploys.values())


def test_canary_steps_follow_one_another() -> None:
    """Each canary step needs the one before; the first needs production verified; promotion needs the last."""
    found = all_jobs(SAMPLE)
    needs = {name: sources(job) for (_, name), job in found.items()}
    assert needs["canary staff-service 10"] == ["release", "verify production/prod-azure"]
    assert needs["canary staff-service 25"] == ["release", "canary staff-service 10"]
    assert needs["canary staff-service 50"] == ["release", "canary staff-service 25"]
    assert needs["canary staff-service 100"] == ["release", "canary staff-service 50"]
    assert needs["promote staff-service"] == ["release", "canary staff-service 100"]


def test_rollback_is_at_hand() -> None:
    """A rollback needs the release alone, and nothing waits for it."""
    found = {name: job for (_, name), job in all_jobs(SAMPLE).items() if name.startswith("rollback")}
    assert list(found) == ["rollback production/prod-aws", "rollback production/prod-azure"]
    assert [job["needs"] for job in found.values()] == [["release"], ["release"]]
    assert all(job["rules"][0]["allow_failure"] is True for job in found.values())


def test_waves_follow_one_another() -> None:
    """A wave's deploy needs the verification of every cluster of the wave before."""
    config = case("three-branch").replace("[[live-aws], [live-azure]]", "[[live-azure, test-azure], [live-aws]]")
    needs = {name: sources(job) for (_, name), job in all_jobs(config.replace(
        "  live-azure:", "  test-azure: {}\n  live-azure:")).items()}  # fmt: skip
    first = ["verify production/live-azure", "verify production/test-azure"]
    assert needs["deploy production/live-aws"] == ["release", *first]
    assert needs["deploy production/live-azure"] == ["release", "verify stage/test-aws"]


def test_no_canary_where_it_is_off() -> None:
    """A service with `canary: off` has no canary job, and one that production does not reach has none either."""
    names = {name for _, name in all_jobs(case("three-branch"))}
    assert "canary cart 10" in names
    assert not [name for name in names if name.startswith("canary orders")]


def test_automatic_gate() -> None:
    """With `gate: automatic` each canary job follows the one before at once: that one stays while its weight bakes."""
    found = {name: job for (_, name), job in all_jobs(case("automatic")).items()}
    for name, before in (("canary cart 100", "canary cart 5"), ("promote cart", "canary cart 100")):
        assert found[name]["rules"] == [{"if": "$CI_MERGE_REQUEST_ID == null"}]
        assert found[name]["needs"] == ["release", {"job": before, "artifacts": False}]


@pytest.mark.parametrize(
    ("bake", "timeouts", "expected"),
    [
        ("30m", "", None),
        ("31m", "", "1 hour 31 minutes"),
        ("1d", "runner: {timeouts: {canary: 2h}}", "1 day 2 hours"),
    ],
)
def test_time_to_bake(bake: str, timeouts: str, expected: str | None) -> None:
    """A canary job that could not stay for the bake time has it added to the time that it may take."""
    config = case("automatic").replace("1h30m", bake) + timeouts + "\n"
    found = {name: job.get("timeout") for (_, name), job in all_jobs(config).items()}
    assert {found[name] for name in ("canary cart 5", "canary cart 100", "canary front 50")} == {expected}
    assert {found[name] for name in ("promote cart", "promote front")} == {"2 hours" if timeouts else None}  # no bake


def test_timeouts_by_stage() -> None:
    """A stage with a time limit of its own gives it to each of its jobs, and to no other."""
    config = case("several-productions") + "runner: {timeouts: {verify: 5m, production-eu: 2h}}\n"
    found = {name: job["timeout"] for (_, name), job in all_jobs(config).items() if "timeout" in job}
    assert found == {
        "verify review/dev": "5 minutes",
        "verify stage/test": "5 minutes",
        "deploy production-eu/eu": "2 hours",
        "verify production-eu/eu": "2 hours",
    }


def test_oldest_gitlab() -> None:
    """GitLab 17.0 gets no confirmation, no `mirror`, and the release as a variable."""
    text = "".join(files(make(case("oldest-gitlab"))).values())
    assert "manual_confirmation" not in text
    assert "strategy: mirror" not in text
    assert "$[[" not in text
    trigger = jobs(make(case("oldest-gitlab")).files["deployment"][".gitlab-ci.yml"])["deployment"]["trigger"]
    assert trigger["strategy"] == "depend"
    assert trigger["forward"] == {"yaml_variables": False, "pipeline_variables": True}


def test_the_release_is_data() -> None:
    """The release comes in as an input that takes nothing but a commit, and is quoted and not expanded."""
    header, content = yaml.safe_load_all(make(SAMPLE).files["deployment"]["deploy-gitlab-ci.yml"])
    release = header["spec"]["inputs"]["release"]
    assert re.fullmatch(release["regex"], release["default"])
    assert not re.fullmatch(release["regex"], "1234567\nevil: {script: [a]}")
    assert content["variables"] == {"MCCI_RELEASE": {"value": "$[[ inputs.release ]]", "expand": False}}


def test_keyless() -> None:
    """A job has an ID token for each cluster it reaches that takes one, with the cluster's own audience."""
    found = {name: job.get("id_tokens") for (_, name), job in all_jobs(case("keyless-buildah")).items()}
    token = {"MCCI_ID_TOKEN_LIVE_AWS": {"aud": "sts.amazonaws.com"}}
    assert found["deploy production/live-aws"] == token
    assert found["deploy production/live-azure"] is None
    assert found["canary cart 10"] == token


def test_changes_follow_dependencies() -> None:
    """A merge request builds what its changes reach: the service's folder, its dependencies' and the configuration."""
    text = make(case("three-branch")).files["development"]["develop-gitlab-ci.yml"]
    rules = jobs(text)["build orders"]["rules"]
    paths = ["orders/**/*", "cart/**/*", "libs/money/**/*", "mcci.yml", "develop-gitlab-ci.yml"]
    assert rules[0] == {
        "if": "$CI_MERGE_REQUEST_ID",
        "changes": {"paths": paths, "compare_to": "refs/heads/development"},
    }
    assert rules[1] == {"if": "$CI_MERGE_REQUEST_ID == null"}


def test_more_patterns_than_gitlab_takes() -> None:
    """A service built from more folders than `changes` takes patterns is built in every merge request."""
    folders = ", ".join(f"libs/l{number}/" for number in range(60))
    config = f"version: 1\napplication: a\nservices:\n  s: {{depends_on: [{folders}]}}\n"
    rules = jobs(make(config).files["development"]["develop-gitlab-ci.yml"])["build s"]["rules"]
    assert rules == [{"if": "$CI_MERGE_REQUEST_ID"}, {"if": "$CI_MERGE_REQUEST_ID == null"}]


def test_nothing_to_deliver() -> None:
    """Without environments there is no deployment pipeline, and nothing starts one."""
    generated = make(case("no-deployment"))
    assert set(files(generated)) == {".gitlab-ci.yml", "develop-gitlab-ci.yml"}
    assert list(jobs(files(generated)[".gitlab-ci.yml"])) == ["development"]


def test_causes_point_at_mcci_yml() -> None:
    """Every job is traced to the place in mcci.yml that made it."""
    causes = make(SAMPLE).causes
    assert set(causes) >= set(all_jobs(SAMPLE))
    line = causes["deploy-gitlab-ci.yml", "deploy stage/stage-aws"].line
    assert SAMPLE.splitlines()[line - 1].lstrip().startswith("stage:")
