"""Deploys that go wrong: told at once, rolled back, and never half done for good."""

from __future__ import annotations

import re
import signal
import sys
import time

import pytest

from mcci.clients.kubernetes.api import LEASE
from tests.service.deploy.project import Project
from tests.tools.helm import Major
from tests.tools.intercept import intercepted
from tests.tools.wire import wire

V1 = f"v{'1' * 10}"
FAKE = "microservice.podAnnotations.lab\\.mcci\\.io/fake"


@pytest.mark.parametrize(
    ("fails", "says"),
    [
        ("crashes", "CrashLoopBackOff"),
        pytest.param("pull-fails", "ImagePullBackOff", marks=pytest.mark.faults),
        pytest.param("starts-failing", "Error", marks=pytest.mark.faults),
    ],
)
def test_pods_that_fail(project: Project, fails: str, says: str) -> None:
    """A pod that cannot get ready ends the deploy long before its time; what was running runs again: exit code 4."""
    project.release("1")
    assert project.deploy().code == 0
    before = project.record("stage")
    project.release("2")
    begun = time.monotonic()
    done = project.deploy("--set", f"{FAKE}={fails}", timeout=300)
    assert done.code == 4, done.err
    assert says in done.err
    assert "rolled back to what was running" in done.err
    assert time.monotonic() - begun < 150
    assert project.images("stage") == {f"web-{V1}": "1", f"api-{V1}": "1"}
    assert project.record("stage") == before


@pytest.mark.faults
def test_pods_never_ready(project: Project) -> None:
    """A pod that is never ready is given up in time to roll back, within the time given."""
    project.release("1")
    assert project.deploy().code == 0
    project.release("2")
    begun = time.monotonic()
    done = project.deploy("--set", f"{FAKE}=never-ready", timeout=15)
    assert done.code == 4, done.err
    assert "did not get ready in time" in done.err
    assert time.monotonic() - begun < 60
    assert set(project.images("stage").values()) == {"1"}


def test_api_gone_for_20_seconds(project: Project) -> None:
    """An API server that is gone for 20 seconds while pods start costs time and nothing else."""
    project.release("1")
    lab = project.clusters["stage"]
    with wire(lab.url) as line:
        text = lab.kubeconfig().replace(lab.url, f"https://127.0.0.1:{line.port}")
        project.variables["KUBECONFIG_STAGE"] = text
        process = project.start("deploy", "--environment", "stage", "--timeout", "180", "--set", f"{FAKE}=slow=12")
        assert process.stderr
        waiting: set[str] = set()
        for said in process.stderr:
            waiting |= {name for name in ("web-", "api-") if name in said and "0 of 1 pods are available" in said}
            if len(waiting) == 2:
                break
        line.cut()
        time.sleep(20)
        line.mend()
        rest = process.stderr.read()
        process.communicate(timeout=120)
    assert process.returncode == 0, rest
    assert set(project.images("stage").values()) == {"1"}


@pytest.mark.parametrize(
    ("status", "path"),
    [
        (503, "leases"),
        pytest.param(429, "configmaps", marks=pytest.mark.faults),
        pytest.param(500, "namespaces", marks=pytest.mark.faults),
        pytest.param(409, "leases", marks=pytest.mark.faults),
    ],
)
def test_api_that_fails_for_a_moment(project: Project, status: int, path: str) -> None:
    """One answer of 429, 500, 503 or 409 to what mcci writes is got over: the deploy succeeds."""
    project.release("1")
    left = [1]

    def before(method: str, asked: str) -> int | None:
        if method in ("POST", "PUT") and asked.rstrip("/").split("/")[-1 if method == "POST" else -2] == path and left:
            left.pop()
            return status
        return None

    with intercepted(project.clusters["stage"]) as api:
        api.before = before
        done = project.deploy(timeout=120)
    assert done.code == 0, done.err
    assert not left
    assert project.record("stage")["release"] == "1" * 40


@pytest.mark.faults
@pytest.mark.parametrize(
    ("status", "times", "code", "runs"), [(500, 4, 0, "2"), (422, 1, 4, "1")], ids=["fails", "refuses"]
)
def test_api_that_fails_helm(project: Project, status: int, times: int, code: int, runs: str) -> None:
    """An API that fails Helm for a while is got over; where it refuses an object, what was running comes back."""
    project.release("1")
    assert project.deploy().code == 0
    project.release("2")
    left = [status] * times

    def before(method: str, asked: str) -> int | None:
        return left.pop() if method == "PATCH" and "/deployments/web-" in asked and left else None

    with intercepted(project.clusters["stage"]) as api:
        api.before = before
        done = project.deploy(timeout=120)
    assert done.code == code, done.err
    assert not left
    assert set(project.images("stage").values()) == {runs}
    assert project.record("stage")["release"] == runs * 40


@pytest.mark.faults
@pytest.mark.parametrize("major", ["3", "4"])
def test_helm_that_cannot_write_it_down(project: Project, major: Major) -> None:
    """Helm ends well where it may make its Secrets and not update them; the deploy does not, and takes it back."""
    project.major = major
    project.release("1")
    with intercepted(project.clusters["stage"]) as api:
        api.before = lambda method, asked: 403 if method == "PUT" and "/secrets/sh.helm." in asked else None
        done = project.deploy()
    assert done.code == 4, done.err
    assert "helm ended well, but it still keeps api, api-traffic, web, web-traffic as pending" in done.err
    assert (project.images("stage"), project.releases("stage"), project.record("stage")) == ({}, [], None)


def test_two_at_once(project: Project) -> None:
    """Of two deploys at once one does its work, and the other ends with exit code 6 and names who holds the lock."""
    project.variables["MCCI_LOCK_SECONDS"] = "9"
    project.release("1")
    assert project.deploy().code == 0
    project.release("2")
    project.variables["GITLAB_USER_LOGIN"] = "anna"
    arguments = ("deploy", "--environment", "stage", "--timeout", "120", "--set", f"{FAKE}=slow=15")
    first = project.start(*arguments)
    assert first.stderr
    for said in first.stderr:
        if "ready" in said:
            break
    second = project.deploy()
    assert second.code == 6, second.err
    assert "is held by anna" in second.err
    err = first.stderr.read()
    first.communicate(timeout=120)
    assert first.returncode == 0, err
    assert set(project.images("stage").values()) == {"2"}


def test_lock_lost_in_mid_upgrade(project: Project) -> None:
    """When the lock is taken away, helm is stopped and nothing more is written: exit code 6."""
    project.variables["MCCI_LOCK_SECONDS"] = "6"
    project.release("1")
    assert project.deploy().code == 0
    project.release("2")
    lab = project.clusters["stage"]
    with intercepted(lab) as api:
        api.hold = lambda method, path: 30.0 if method == "PATCH" and "/deployments/" in path else 0.0
        process = project.start("deploy", "--environment", "stage", "--timeout", "120")
        deadline = time.monotonic() + 60
        while not api.writes("/deployments/") and time.monotonic() < deadline:
            time.sleep(0.1)
        own = project.api("stage")
        found = own.get(LEASE, "mcci-deploy", project.space("stage"))
        assert found
        found["spec"]["holderIdentity"] = "somebody else"
        found["metadata"]["annotations"] = {"mcci.io/token": "999999999999"}
        own.replace(LEASE, found)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 6, err
        assert "no longer held" in err
        written = len(api.writes(project.space("stage")))
        time.sleep(2)
        assert len(api.writes(project.space("stage"))) == written
    assert project.record("stage")["release"] == "1" * 40


def test_cancelled_job(project: Project) -> None:
    """SIGTERM ends a deploy with 143 and frees the lock; the next run finishes the work."""
    project.release("1")
    assert project.deploy().code == 0
    project.release("2")
    process = project.start("deploy", "--environment", "stage", "--timeout", "120", "--set", f"{FAKE}=slow=30")
    assert process.stderr
    for said in process.stderr:
        if "ready" in said:
            break
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143
    assert time.monotonic() - begun < 20
    again = project.deploy()
    assert again.code == 0, again.err
    assert "holds the lock" not in again.err
    assert set(project.images("stage").values()) == {"2"}


def kill_at(project: Project, number: int, *, after: bool) -> bool:
    """Deploy to `one`, and kill mcci at a write to its namespace; return whether there were as many writes."""
    count = 0
    with intercepted(project.clusters["one"]) as api:
        process = project.start("deploy", "--environment", "production", "--cluster", "one", "--timeout", "120")

        def strike(method: str, path: str) -> None:
            nonlocal count
            renews = "/leases/" in path and method == "PUT" and count > 1
            if method in ("POST", "PUT", "PATCH", "DELETE") and f"/{project.namespace}" in path and not renews:
                count += 1
                if count == number:
                    process.kill()

        if after:
            api.after = strike
        else:
            api.before = strike
        process.communicate(timeout=240)
    return count >= number


def check_repaired(project: Project, digit: str) -> None:
    """The next run finishes what a dead one began, whole."""
    done = project.deploy("--cluster", "one", environment="production", timeout=120)
    assert done.code == 0, done.err
    new = f"v{digit * 10}"
    assert project.images("one") == {f"web-{V1}": "1", f"web-{new}": digit, f"api-{V1}": digit}
    assert project.weights("one") == {V1: 100, new: 0}
    assert {each["metadata"]["labels"]["status"] for each in project.releases("one")} <= {"deployed", "failed"}
    assert project.record("one")["release"] == digit * 40


@pytest.mark.parametrize("number", [pytest.param(4, marks=pytest.mark.faults), 9])
def test_killed_at_a_write(project: Project, number: int) -> None:
    """After kill -9 in the middle of a deploy the next run finishes it."""
    project.variables["MCCI_LOCK_SECONDS"] = "6"
    project.release("1")
    assert project.deploy(environment="production").code == 0
    project.release("2")
    assert kill_at(project, number, after=False)
    check_repaired(project, "2")


@pytest.mark.faults
@pytest.mark.parametrize("major", ["3", "4"])
@pytest.mark.parametrize("after", [False, True])
def test_killed_at_every_write(project: Project, major: str, after: bool) -> None:
    """After kill -9 at any write of a deploy, before or after it takes effect, the next run finishes it."""
    project.variables["MCCI_LOCK_SECONDS"] = "6"
    project.major = "4" if major == "4" else "3"
    project.release("1")
    assert project.deploy(environment="production").code == 0
    number = 0
    while True:
        number += 1
        digit = "23456789"[number % 8]
        project.release(digit)
        reached = kill_at(project, number, after=after)
        check_repaired(project, digit)
        if not reached:
            break
    sys.stderr.write(f"{number - 1} writes, each survived\n")
    assert number > 15, "a deploy has more writes than this"


def test_secrets_stay_hidden(project: Project) -> None:
    """A secret in a values file is in no output, no plan, no log and no argument of helm's."""
    secret = "hunter2-and-more"
    folder = project.root / "web"
    folder.mkdir()
    (folder / "values.yml").write_text(f"env: {{DATABASE_PASSWORD: {secret}, COLOUR: blue}}\n")
    wrapper = project.root / "helm"
    log = project.root / "arguments"
    wrapper.write_text(f'#!/bin/sh\necho "$@" >> {log}\nexec {project.environment["MCCI_HELM"]} "$@"\n')
    wrapper.chmod(0o755)
    project.variables["MCCI_HELM"] = str(wrapper)
    project.release("1")
    runs = [
        project.deploy("--diff"),
        project.deploy("--plan", "plan.json"),
        project.deploy("--format", "json"),
        project.deploy("--set", f"{FAKE}=crashes"),
    ]
    assert [each.code for each in runs] == [0, 0, 0, 4], runs[-1].err
    shown = "".join(each.out + each.err for each in runs)
    assert "[masked]" in runs[0].out
    assert "blue" in runs[0].out
    assert secret not in shown
    assert secret not in (project.root / "plan.json").read_text()
    assert "upgrade" in log.read_text()
    assert secret not in log.read_text()


def test_logs_of_a_failing_pod(project: Project) -> None:
    """The failing pod and its container are named, so that nobody has to look for them."""
    project.release("1")
    done = project.deploy("--set", f"{FAKE}=crashes")
    assert done.code == 4
    assert re.search(r"pod (web|api)-v1{10}-\S+, container (web|api)", done.err)
    assert project.images("stage") == {}
