"""A rollback: which release it goes back to, what happens to the traffic, and what is recorded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mcci.canary import state_json
from mcci.canary.state import Phase
from mcci.clients.kubernetes.api import CONFIG_MAP
from mcci.delivery.deploy.run import Done
from mcci.delivery.rollback import run as rolling_back
from mcci.delivery.rollback.goal import NothingToGoBackTo
from mcci.errors import ExitCode
from tests.unit.deploy.fake_helm import NAMESPACE
from tests.unit.deploy.fleet import Fleet, release

V1, V2, V3 = (f"v{digit * 10}" for digit in "123")


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """Clusters with the releases 1 and then 2, in both environments."""
    found = Fleet(tmp_path)
    for name in ("1", "2"):
        found.deploy(release(name), "stage")
        found.deploy(release(name))
    return found


def roll_back(fleet: Fleet, environment: str = "stage", *, cluster: str | None = None, to: str = "") -> list[Done]:
    """Roll back, as the command does."""
    opened = fleet.opened(release("1"), environment, cluster=cluster)
    session = opened.clusters[0].session
    targets = {name: fleet.target(name) for name in session.environment.all_clusters}
    waves = [[each.name for each in wave] for wave in opened.waves]
    found = rolling_back.prepare(session, targets, waves, to)
    found.give_back()
    with found.deploys() as run:
        run.open(lock=True)
        run.check()
        done = run.run()
    found.move_after()
    return done


def test_in_place(fleet: Fleet) -> None:
    """The release before comes back, and what was rolled back from is no longer among the good ones."""
    roll_back(fleet)
    assert fleet.images("stage") == {f"web-{V1}": "1", f"api-{V1}": "1"}
    record = fleet.record("stage")
    assert record["release"] == "1111111"
    assert record["previous"] == []


def test_no_further_back(fleet: Fleet) -> None:
    """With no good release before, nothing is changed and the message says so."""
    roll_back(fleet)
    with pytest.raises(NothingToGoBackTo, match="1111111 is the first that is recorded") as caught:
        roll_back(fleet)
    assert caught.value.exit_code is ExitCode.NO


def test_named_release(fleet: Fleet) -> None:
    """A release is named by its beginning; one that is not recorded is refused with those that are."""
    fleet.deploy(release("3"), "stage")
    roll_back(fleet, to="111")
    assert fleet.images("stage")[f"api-{V1}"] == "1"
    with pytest.raises(NothingToGoBackTo, match="'9' is not among the good releases recorded here: 1111111"):
        roll_back(fleet, to="9")


def test_after_a_deploy_that_died(fleet: Fleet) -> None:
    """Where what runs was never recorded, the recorded release comes back."""
    before = fleet.record("stage")
    fleet.deploy(release("3"), "stage")
    found = fleet.api("stage").peek(CONFIG_MAP, "mcci-environment", NAMESPACE)
    assert found
    import json

    fleet.api("stage").put(CONFIG_MAP, found | {"data": {"record": json.dumps(before)}})
    roll_back(fleet)
    assert fleet.images("stage") == {f"web-{V1}": "2", f"api-{V1}": "2"}


def test_canary_in_progress(fleet: Fleet) -> None:
    """A canary's traffic goes back to the stable version first; the canary stays ready without traffic."""
    fleet.move("one", **{V1: 50, V2: 50})
    roll_back(fleet, "production")
    assert fleet.weights("one") == {V1: 100, V2: 0}
    state = fleet.canary("one")
    assert (state["stable"], state["phase"]) == (V1, "aborted")
    assert fleet.images("one")[f"api-{V1}"] == "1"
    assert fleet.record("one")["release"] == "1111111"


def test_after_a_promotion(fleet: Fleet) -> None:
    """Within the rollback window the version before gets the traffic at once, and is the stable one again."""
    fleet.move("one", **{V1: 0, V2: 100})
    api = fleet.api("one")
    found = api.peek(CONFIG_MAP, "mcci-canary-web", NAMESPACE)
    assert found
    state = state_json.read(found)
    from datetime import timedelta

    promoted = replace(
        state, stable=V2, canary="", phase=Phase.STABLE, previous=V1, weights={V1: 0, V2: 100},
        keep_until=fleet.now + timedelta(days=36500),
    )  # fmt: skip
    api.put(CONFIG_MAP, state_json.config_map(promoted, NAMESPACE, 1, "one", found))
    roll_back(fleet, "production")
    assert fleet.weights("one")[V1] == 100
    assert fleet.canary("one")["stable"] == V1


def test_one_cluster(fleet: Fleet) -> None:
    """A rollback of one cluster leaves the other, but for the traffic, which is the mesh's."""
    roll_back(fleet, "production", cluster="two")
    assert fleet.images("two")[f"api-{V1}"] == "1"
    assert fleet.images("one")[f"api-{V1}"] == "2"
    assert fleet.record("one")["release"] == "2222222"
