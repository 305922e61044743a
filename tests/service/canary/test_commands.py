"""`mcci canary` as jobs call it, on real clusters' APIs: the whole way, what is refused, and what is left behind."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from mcci.canary.state import Action, Phase
from mcci.clients.kubernetes.api import CONFIG_MAP, DEPLOYMENT, LEASE, VIRTUAL_SERVICE
from tests.service.canary.project import Project
from tests.unit.canary.objects import V1, V2, virtual_service
from tests.unit.canary.world import SERVICE, SPACE

JOB = {
    "CI_PIPELINE_ID": "7",
    "CI_PIPELINE_URL": "https://gitlab.example.com/-/pipelines/7",
    "CI_JOB_URL": "https://gitlab.example.com/-/jobs/70",
    "GITLAB_USER_LOGIN": "maria",
}


def test_the_whole_way(two: Project) -> None:
    """Step by step to a promotion, in both clusters; every job run again changes nothing."""
    two.deploy()
    for weight in (10, 25, 50, 100):
        for _ in range(2):
            code, said = two.run("step", SERVICE, "--to", str(weight), **JOB)
            assert (code, two.share()) == (0, [weight, weight]), said
    for _ in range(2):
        code, said = two.run("promote", SERVICE, **JOB)
        assert code == 0, said
    for name in two.config:
        state = two.state(name)
        assert (state.stable, state.canary, state.previous, state.phase) == (V2, "", V1, Phase.STABLE)
        actions = [entry.action for entry in state.history]
        assert actions == [Action.BEGIN, *[Action.STEP] * 4, Action.PROMOTE]
        assert {(entry.actor.who, entry.actor.pipeline) for entry in state.history[1:]} == {("maria", 7)}
    assert two.share() == [100, 100]


def test_a_job_leaves_reports(two: Project) -> None:
    """JUnit, metrics, links on the job's page, the chart and the state are files of the folder that GitLab keeps."""
    two.deploy()
    assert two.run("step", SERVICE, "--to", "10", **JOB)[0] == 0
    folder = two.folder / "canary"
    suite = ElementTree.parse(folder / f"{SERVICE}.xml").getroot()[0]
    assert (suite.get("name"), suite.get("failures")) == (f"canary {SERVICE}", "0")
    assert ElementTree.parse(folder / f"{SERVICE}.svg").getroot().tag.endswith("svg")
    links = json.loads((folder / f"{SERVICE}-annotations.json").read_text())["Canary"]
    assert links[0]["external_link"]["url"] == f"{JOB['CI_JOB_URL']}/artifacts/file/canary/{SERVICE}.svg"
    assert 'track="canary"} 10' in (folder / f"{SERVICE}-metrics.txt").read_text()
    assert json.loads((folder / f"{SERVICE}.json").read_text())["weights"] == {V1: 90, V2: 10}
    code, said = two.run("step", SERVICE, "--to", "50", **JOB)
    suite = ElementTree.parse(folder / f"{SERVICE}.xml").getroot()[0]
    assert (code, suite.get("failures")) == (2, "1"), said


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("step", SERVICE, "--to", "0"), 2, "a canary's weight is from 1 to 100"),
        (("step", SERVICE, "--to", "101"), 2, "a canary's weight is from 1 to 100"),
        (("step", SERVICE, "--to", "-5"), 2, "a canary's weight is from 1 to 100"),
        (("step", SERVICE, "--to", "ten"), 2, "'ten' is not a valid integer"),
        (("step", SERVICE, "--to", "30"), 2, "30 is no step of the plan 10 → 25 → 50 → 100"),
        (("step", SERVICE, "--to", "25"), 2, "the step to 10 was not taken yet"),
        (("step", "staff-servce", "--to", "10"), 2, "Did you mean 'staff-service'?"),
        (("step", SERVICE, "--to", "10", "--environment", "stage"), 2, "no environment 'stage'. It has production"),
        (("step", SERVICE, "--to", "10", "--without", "prod-gcp"), 2, "concerns prod-aws, prod-azure"),
        (("step", SERVICE, "--to", "10", "--without", "prod-aws", "--without", "prod-azure"), 2, "no config cluster"),
        (("promote", SERVICE), 2, "has 0 % of the traffic; it is promoted when it has all of it"),
        (("judge", SERVICE), 2, "no cluster names a 'prometheus'"),
        (("abort", SERVICE, "--gradually", "soon"), 2, "'soon' is no time span"),
    ],
)  # fmt: skip
def test_refuses(unmoved: Project, arguments: tuple[str, ...], code: int, message: str) -> None:
    """What cannot be meant is refused with the reason and the way on, and no traffic moves."""
    found, said = unmoved.run(*arguments)
    assert found == code
    assert message in said
    assert unmoved.share() == [0, 0]


def test_a_service_that_was_never_deployed(two: Project) -> None:
    """Without a state there is no canary, and the error says what makes one."""
    two.deploy()
    for name in two.config:
        two.api(name).delete(CONFIG_MAP, f"mcci-canary-{SERVICE}", SPACE)
    code, said = two.run("step", SERVICE, "--to", "10")
    assert (code, "was never deployed here" in said, two.share()) == (2, True, [0, 0])


def test_an_unknown_subset(two: Project) -> None:
    """A cluster whose routes lack the canary stops the step before any other cluster is changed."""
    two.deploy()
    two.api("prod-azure").delete(VIRTUAL_SERVICE, SERVICE, SPACE)
    two.api("prod-azure").create(VIRTUAL_SERVICE, virtual_service({V1: 100}))
    code, said = two.run("step", SERVICE, "--to", "10")
    assert code == 1
    assert f"prod-azure: the VirtualService {SERVICE}: http[0] primary knows no version {V2}" in said
    assert two.weights("prod-aws")[V2] == 0


def test_a_plan_that_was_changed(two: Project) -> None:
    """A plan changed under way is not taken silently; with --force it is, and that is recorded."""
    two.deploy()
    config = two.folder / "mcci.yml"
    config.write_text(config.read_text().replace("[10, 25, 50, 100]", "[20, 100]"))
    code, said = two.run("step", SERVICE, "--to", "20")
    assert code == 2
    assert "mcci.yml's steps are 20 → 100 now, but this canary began with 10 → 25 → 50 → 100" in said
    assert two.run("step", SERVICE, "--to", "20", MCCI_FORCE="1")[0] == 0
    assert (two.share(), two.state().plan) == ([20, 20], (20, 100))
    assert "mcci.yml's steps are 20 → 100 now" in two.state().history[-1].forced[0]


def test_a_canary_that_is_not_ready(two: Project) -> None:
    """No traffic goes to a side whose pods cannot carry it."""
    two.deploy()
    for name in two.clusters:
        two.api(name).merge(DEPLOYMENT, f"{SERVICE}-{V2}", SPACE, {"spec": {"replicas": 0}})
        two.wait(name)
    code, said = two.run("step", SERVICE, "--to", "10")
    assert (code, two.share()) == (5, [0, 0])
    assert f"{V2} has 0 ready pods and needs 1 to carry 10 % of the traffic" in said


def test_baking_and_a_stale_pipeline(two: Project) -> None:
    """A step before the bake time holds (5), and a job of an older pipeline is stale (7)."""
    two.deploy()
    config = two.folder / "mcci.yml"
    config.write_text(config.read_text().replace("bake: 0s", "bake: 10m"))
    assert two.run("step", SERVICE, "--to", "10", **JOB)[0] == 0
    code, said = two.run("step", SERVICE, "--to", "25", **JOB)
    assert (code, two.share()) == (5, [10, 10])
    assert "this step bakes for 10m" in said
    code, said = two.run("step", SERVICE, "--to", "25", **{**JOB, "CI_PIPELINE_ID": "6"})
    assert (code, two.share()) == (7, [10, 10])
    assert "pipeline 7 has written this environment" in said


def test_a_deployment_in_progress(two: Project) -> None:
    """While somebody deploys, in any of the clusters, no step is taken; who it is is told."""
    two.deploy()
    lease = {
        "metadata": {"name": "mcci-deploy", "namespace": SPACE, "annotations": {"mcci.io/pipeline": "p/9"}},
        "spec": {"holderIdentity": "otto, deploy", "leaseDurationSeconds": 30},
    }
    two.api("prod-azure").create(LEASE, lease)
    code, said = two.run("step", SERVICE, "--to", "10")
    assert (code, two.share()) == (6, [0, 0])
    assert "prod-azure: a deployment is in progress, by otto, deploy (pipeline p/9)" in said


def test_one_shared_control_plane_with_v2_on_azure_alone(shared: Project) -> None:
    """The weights are in one cluster, the canary's pods in the other: traffic moves between the clouds."""
    shared.deploy(canary_on=("prod-azure",))
    for weight in (10, 25, 50, 100):
        assert shared.run("step", SERVICE, "--to", str(weight))[0] == 0
    assert shared.run("promote", SERVICE)[0] == 0
    assert shared.share() == [100]
    assert shared.api("prod-azure").get(VIRTUAL_SERVICE, SERVICE, SPACE) is None


def test_tcp_routes_move_with_the_others(shared: Project) -> None:
    """A service that speaks no HTTP is moved by its tcp route; the route of another stays as it is."""
    shared.deploy()
    foreign = {"match": [{"port": 99}], "route": [{"destination": {"host": "other"}, "weight": 100}]}
    found = shared.api("prod-aws").get(VIRTUAL_SERVICE, SERVICE, SPACE)
    assert found
    tcp = virtual_service({V1: 100, V2: 0}, tcp=True)["spec"]["tcp"]
    shared.api("prod-aws").replace(VIRTUAL_SERVICE, {**found, "spec": {**found["spec"], "tcp": [*tcp, foreign]}})
    assert shared.run("step", SERVICE, "--to", "10")[0] == 0
    now = shared.api("prod-aws").get(VIRTUAL_SERVICE, SERVICE, SPACE)
    assert now
    assert now["spec"]["tcp"][1] == foreign
    assert [each["weight"] for each in now["spec"]["tcp"][0]["route"]] == [90, 10]
    assert now["spec"]["http"][0] == found["spec"]["http"][0]


def test_abort_after_a_promotion(shared: Project) -> None:
    """Until the old version is retired an abort goes back to it, and the promoted one lies ready as the canary."""
    shared.deploy()
    for weight in (10, 25, 50, 100):
        shared.run("step", SERVICE, "--to", str(weight))
    shared.run("promote", SERVICE)
    code, said = shared.run("abort", SERVICE)
    state = shared.state()
    assert (code, shared.share(), state.stable, state.canary, state.phase) == (0, [0], V1, V2, Phase.ABORTED), said


def test_abort_gradually(two: Project) -> None:
    """An abort may go down the plan, and run again it changes nothing."""
    two.deploy()
    for weight in (10, 25, 50):
        two.run("step", SERVICE, "--to", str(weight))
    code, said = two.run("abort", SERVICE, "--gradually", "1s")
    assert (code, two.share(), two.state().phase) == (0, [0, 0], Phase.ABORTED), said
    aborts = [entry.weights[V2] for entry in two.state().history if entry.action is Action.ABORT]
    assert aborts == [25, 10, 0]
    assert two.run("abort", SERVICE)[0] == 0


def test_status_as_text_and_json(two: Project) -> None:
    """Status tells plan, step and the weights of every cluster, and what a stranger did."""
    two.deploy()
    two.run("step", SERVICE, "--to", "10", **JOB)
    code, said = two.run("status", SERVICE)
    assert code == 0
    assert "[10] → 25 → 50 → 100" in said
    assert f"prod-azure: {V1} 90, {V2} 10" in said
    assert "by maria, pipeline 7" in said
    body = json.loads(two.run("status", SERVICE, "--format", "json")[1])
    assert (body["schema"], body["next_step"]) == ("mcci.canary-status/1", 25)
    assert body["clusters"]["prod-aws"] == {"weights": {V1: 90, V2: 10}, "problem": ""}
    assert body["ready"]["prod-azure"] == {V1: 2, V2: 2}


def test_a_dry_run_writes_nothing(two: Project) -> None:
    """--dry-run says what would be done, takes no lock and writes no file."""
    two.deploy()
    for arguments in (("step", SERVICE, "--to", "10"), ("abort", SERVICE)):
        code, said = two.run(*arguments, "--dry-run")
        assert (code, "would" in said) == (0, True), said
    assert two.share() == [0, 0]
    assert two.api("prod-aws").get(LEASE, f"mcci-canary-{SERVICE}", SPACE) is None
    assert not (two.folder / "canary").exists()
