"""What a verification finds: the good, the half done, and what is not the release."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from mcci.clients.kubernetes.api import POD, SECRET
from mcci.delivery.image_tests.junit import Outcome
from mcci.delivery.release.model import Release
from mcci.delivery.verify.run import Verified, verify
from tests.unit.deploy.fake_helm import NAMESPACE, stored
from tests.unit.deploy.fleet import Fleet, release

V1, V2 = (f"v{digit * 10}" for digit in "12")


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """Clusters with release 1, and 2 beside it in production."""
    found = Fleet(tmp_path)
    found.deploy(release("1"), "stage")
    found.deploy(release("1"))
    found.deploy(release("2"))
    return found


def look(fleet: Fleet, wanted: Release, environment: str = "stage", cluster: str = "stage") -> Verified:
    """Verify a cluster, without waiting."""
    session = replace(fleet.opened(wanted, environment).clusters[0].session, timeout=0)
    return verify(session, fleet.api(cluster), fleet.root, {})


def failures(found: Verified) -> list[str]:
    """What failed, with the reason."""
    return [
        f"{service}: {case.name}: {case.message}"
        for service, cases in found.cases.items()
        for case in cases
        if case.outcome is Outcome.FAILED
    ]


def test_good(fleet: Fleet) -> None:
    """After a deploy everything holds, for both versions in production, and the report says so."""
    assert failures(look(fleet, release("1"))) == []
    found = look(fleet, release("2"), "production", "one")
    assert found.good
    names = [case.name for case in found.cases["web"]]
    assert f"rollout of web-{V1}" in names
    assert f"rollout of web-{V2}" in names
    suite = ElementTree.parse(fleet.root / "reports/verify-production-one.xml").getroot()[0]
    assert suite.get("name") == "production/one"
    assert suite.get("failures") == "0"


def test_another_release(fleet: Fleet) -> None:
    """A release that is not the one deployed is found by the record and by what runs."""
    said = failures(look(fleet, release("3")))
    assert len(said) == 4
    assert any("the release is recorded: recorded is sha256:1" in line for line in said)
    assert any("runs: the cluster runs sha256:111" in line for line in said)


def test_pods(fleet: Fleet) -> None:
    """Pods that are not ready, are missing, or run another image are named."""
    key = ("", "pods", NAMESPACE, f"web-{V1}-0")
    objects = fleet.states["stage"].objects
    objects[key]["status"]["conditions"][0]["status"] = "False"
    (said,) = failures(look(fleet, release("1")))
    assert said.endswith(f"web-{V1}-0 are not ready")
    objects[key]["spec"]["containers"][0]["image"] = "other"
    (said,) = failures(look(fleet, release("1")))
    assert said.endswith(f"web-{V1}-0 run another image")
    del objects[key]
    (said,) = failures(look(fleet, release("1")))
    assert said.endswith("1 of 2 pods are there")
    assert POD.plural == "pods"


def test_release_left_half_done(fleet: Fleet) -> None:
    """A Helm release that is pending or failed is found."""
    body = {
        "name": "api", "version": 9, "info": {"status": "failed"}, "config": {"app": "api", "version": V1},
        "chart": {"metadata": {"name": "microservice"}},
    }  # fmt: skip
    fleet.api("stage").put(SECRET, stored(body, NAMESPACE, "failed"))
    said = failures(look(fleet, release("1")))
    assert "api: helm release api: revision 9 is failed" in said


def test_what_runs_elsewhere(tmp_path: Path) -> None:
    """A service that runs on other clusters is skipped here, and no failure."""
    fleet = Fleet(tmp_path)
    fleet.text = fleet.text.replace("web: {}", "web: {clusters: [stage, one]}")
    fleet.deploy(release("1"))
    found = look(fleet, release("1"), "production", "two")
    assert found.good
    assert [case.outcome for case in found.cases["web"]].count(Outcome.SKIPPED) == 1
