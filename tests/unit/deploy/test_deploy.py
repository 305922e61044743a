"""A deploy from beginning to end, in memory: what it changes, in which order, and what it leaves behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcci.clients.helm.failures import HelmFailed
from mcci.clients.kubernetes.api import NAMESPACE as NAMESPACES
from mcci.clients.kubernetes.api import SECRET
from mcci.clusters.leases import Holder, LockHeld, hold
from mcci.delivery.deploy.record import Stale
from mcci.delivery.deploy.undo import RolledBack
from mcci.errors import ExitCode, UsageError
from tests.unit.deploy.fake_helm import NAMESPACE, stored
from tests.unit.deploy.fleet import Fleet, digest, release

V1, V2, V3 = (f"v{digit * 10}" for digit in "123")


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """Clusters without anything."""
    return Fleet(tmp_path)


def test_first_release(fleet: Fleet) -> None:
    """A first release makes the namespace, brings every service, gives it the traffic, and is recorded."""
    done = fleet.deploy(release("1"), pipeline=7)
    assert [each.cluster for each in done] == ["one", "two"]
    assert fleet.images("one") == {f"web-{V1}": "1", f"api-{V1}": "1"}
    assert fleet.weights("one") == {V1: 100}
    assert fleet.weights("one", "api") == {"": 100}
    namespace = fleet.api("one").peek(NAMESPACES, NAMESPACE)
    assert namespace
    assert namespace["metadata"]["labels"] == {
        "mcci.io/application": "fleet",
        "app.kubernetes.io/managed-by": "mcci",
        "istio-injection": "enabled",
    }
    record = fleet.record("two")
    assert record["release"] == "1111111"
    assert record["pipeline"] == {"id": 7, "url": "https://gitlab.example.com/7"}
    assert record["images"]["web"] == {
        "image": f"registry.example.com/fleet/web@{digest('1')}",
        "version": V1,
        "commit": "1" * 40,
    }
    assert fleet.canary("one")["stable"] == V1
    assert fleet.canary("two") is None  # no config cluster
    assert fleet.canary("one", "api") is None


def test_new_version(fleet: Fleet) -> None:
    """A new version comes beside the stable one without traffic; a service without a canary is rolled out."""
    fleet.deploy(release("1"))
    fleet.calls("one")
    fleet.deploy(release("2"))
    assert fleet.images("one") == {f"web-{V1}": "1", f"web-{V2}": "2", f"api-{V1}": "2"}
    assert fleet.weights("one") == {V1: 100, V2: 0}
    assert sorted(fleet.calls("one")) == ["upgrade api", "upgrade web-traffic", f"upgrade web-{V2}"]
    state = fleet.canary("one")
    assert (state["stable"], state["canary"], state["plan"], state["replicas"]) == (V1, V2, [10, 25, 50, 100], 2)
    assert [each["release"] for each in fleet.record("one")["previous"]] == ["1111111"]


def test_unchanged(fleet: Fleet) -> None:
    """The same release again asks helm nothing and writes nothing but its lock."""
    fleet.deploy(release("1"), pipeline=7)
    assert fleet.calls("one")
    assert fleet.calls("two")
    before = len(fleet.script.writes)
    fleet.deploy(release("1"), pipeline=7)
    assert fleet.calls("one") == fleet.calls("two") == []
    assert {call.kind for call in fleet.script.writes[before:]} == {"Lease"}


def test_unchanged_but_gone(fleet: Fleet) -> None:
    """What somebody deleted is brought back, although the release is the same."""
    fleet.deploy(release("1"))
    fleet.calls("one")
    del fleet.states["one"].objects["apps", "deployments", NAMESPACE, f"api-{V1}"]
    fleet.deploy(release("1"))
    assert fleet.calls("one") == ["upgrade api"]
    assert fleet.images("one")[f"api-{V1}"] == "1"


def test_live_weights_stay(fleet: Fleet) -> None:
    """A deploy during a canary leaves the live weights, whatever Helm was given last."""
    fleet.deploy(release("1"))
    fleet.deploy(release("2"))
    fleet.move("one", **{V1: 75, V2: 25})
    fleet.deploy(release("2", api="3"), sets=["microservice.replicas=3"])
    assert fleet.weights("one") == {V1: 75, V2: 25}


def test_third_version_is_on_hold(fleet: Fleet) -> None:
    """A third version while the canary has traffic is exit code 5, and no cluster is changed."""
    fleet.deploy(release("1"))
    fleet.deploy(release("2"))
    fleet.move("one", **{V1: 90, V2: 10})
    assert fleet.calls("one")
    assert fleet.calls("two")
    with pytest.raises(Exception, match="has 10 %") as caught:
        fleet.deploy(release("3"))
    assert caught.value.exit_code is ExitCode.ON_HOLD  # type: ignore[attr-defined]
    assert fleet.calls("one") == fleet.calls("two") == []


def test_non_config_cluster_asks_the_leader(fleet: Fleet) -> None:
    """A cluster without Istio objects learns what is stable from the leading one, and takes the new version."""
    fleet.deploy(release("1"))
    fleet.calls("two")
    fleet.deploy(release("2"), cluster="two")
    assert fleet.images("two") == {f"web-{V1}": "1", f"web-{V2}": "2", f"api-{V1}": "2"}
    assert "upgrade web-traffic" not in fleet.calls("two")
    assert fleet.weights("one") == {V1: 100}


def test_failed_rollout_is_rolled_back(fleet: Fleet) -> None:
    """Pods that crash end the deploy at once with exit code 4, and what was running runs as it did."""
    fleet.deploy(release("1"))
    before = fleet.record("one")
    fleet.helm("one").crashing.add(V2)
    with pytest.raises(RolledBack, match="CrashLoopBackOff") as caught:
        fleet.deploy(release("2"))
    assert caught.value.exit_code is ExitCode.ROLLED_BACK
    assert fleet.images("one") == {f"web-{V1}": "1", f"api-{V1}": "1"}
    assert fleet.weights("one") == {V1: 100}
    assert fleet.record("one") == before
    assert fleet.images("two") == {f"web-{V1}": "1", f"api-{V1}": "1"}
    assert fleet.record("two")["release"] == "1111111"


def test_rolled_back_with_the_chart_of_then(fleet: Fleet) -> None:
    """What goes back goes back to its own chart and values, and the next deploy knows it again."""
    fleet.deploy(release("1"), "stage")
    fleet.helm("stage").fails["api"] = [HelmFailed("no")]
    with pytest.raises(RolledBack):
        fleet.deploy(release("2"), "stage", sets=["microservice.replicas=5"])
    assert "1111111" in fleet.helm("stage").charts["api"]
    fleet.calls("stage")
    fleet.deploy(release("1"), "stage")
    assert fleet.calls("stage") == []


def test_first_release_that_fails_leaves_nothing(fleet: Fleet) -> None:
    """A first release that fails is removed again."""
    fleet.helm("stage").crashing.add(V1)
    with pytest.raises(RolledBack):
        fleet.deploy(release("1"), "stage")
    assert fleet.images("stage") == {}
    assert fleet.record("stage") is None


def test_a_later_wave_does_not_begin(fleet: Fleet) -> None:
    """After a failure no further wave begins."""
    fleet.helm("one").crashing.add(V1)
    with pytest.raises(RolledBack):
        fleet.deploy(release("1"))
    assert fleet.calls("two") == []


def test_failure_with_traffic_on_the_canary(fleet: Fleet) -> None:
    """Going back during a canary brings no old weight back."""
    fleet.deploy(release("1"))
    fleet.deploy(release("2"))
    fleet.move("one", **{V1: 50, V2: 50})
    fleet.helm("one").fails["web-traffic"] = [HelmFailed("no")]
    with pytest.raises(RolledBack):
        fleet.deploy(release("2"))
    assert fleet.weights("one") == {V1: 50, V2: 50}


def test_stale(fleet: Fleet) -> None:
    """An older pipeline than the one recorded is refused by name with exit code 7; at a terminal nothing is stale."""
    fleet.deploy(release("2"), "stage", pipeline=9)
    with pytest.raises(Stale, match=r"pipeline 9 .*newer than 8") as caught:
        fleet.deploy(release("1"), "stage", pipeline=8)
    assert caught.value.exit_code is ExitCode.STALE
    fleet.deploy(release("1"), "stage")
    assert fleet.record("stage")["release"] == "1111111"


def test_locked(fleet: Fleet) -> None:
    """While another holds the lock, a deploy ends with exit code 6, names who, and changes nothing."""
    fleet.deploy(release("1"), "stage")
    fleet.calls("stage")
    holder = Holder(identity="ben", pipeline="https://gitlab.example.com/3", job_url="https://gitlab.example.com/j/4")
    held = hold(fleet.api("stage"), NAMESPACE, "mcci-deploy", holder, ttl=1.5)
    with held, pytest.raises(LockHeld, match=r"ben .*j/4") as caught:
        fleet.deploy(release("2"), "stage", ttl=1.5)
    assert caught.value.exit_code is ExitCode.LOCKED
    assert fleet.calls("stage") == []


def test_pending_release_is_recovered(fleet: Fleet) -> None:
    """A release that a dead job left pending is marked as failed, and deployed."""
    fleet.deploy(release("1"), "stage")
    body = {
        "name": "api", "version": 2, "info": {"status": "pending-upgrade"}, "config": {"app": "api", "version": V1},
        "manifest": "", "chart": {"metadata": {"name": "microservice"}},
    }  # fmt: skip
    fleet.api("stage").put(SECRET, stored(body, NAMESPACE, "pending-upgrade"))
    fleet.deploy(release("2"), "stage")
    found = fleet.api("stage").peek(SECRET, "sh.helm.release.v1.api.v2", NAMESPACE)
    assert found
    assert found["metadata"]["labels"]["status"] == "failed"
    assert fleet.images("stage")[f"api-{V1}"] == "2"
    assert any("left pending-upgrade by a job that died" in line for line in fleet.said)


def test_install_that_helm_did_not_keep(fleet: Fleet) -> None:
    """An installation that Helm left pending, though it ended well, is no success: named, and taken back."""
    fleet.deploy(release("1"))
    before = fleet.record("one")
    fleet.helm("one").unkept.add(f"web-{V2}")
    with pytest.raises(RolledBack, match=f"still keeps web-{V2} as pending: .*mcci doctor"):
        fleet.deploy(release("2"))
    assert fleet.images("one") == {f"web-{V1}": "1", f"api-{V1}": "1"}
    assert fleet.record("one") == before
    fleet.helm("one").unkept.clear()
    fleet.deploy(release("2"))
    assert fleet.record("one")["release"] == "2222222"


def test_only_an_install_is_asked_after(fleet: Fleet) -> None:
    """Whether Helm kept what it did costs a request where it installed, and none where it upgraded."""
    looks = []
    for digit in ("1", "2"):
        fleet.script.calls.clear()
        fleet.deploy(release(digit), "stage")
        looks.append(sum(call.verb == "list" and call.kind == "Secret" for call in fleet.script.calls))
    assert looks == [2, 1]


def test_namespace_of_another(fleet: Fleet) -> None:
    """A namespace that is not ours is refused, with what to do, and nothing is changed."""
    fleet.api("stage").put(NAMESPACES, {"metadata": {"name": NAMESPACE, "labels": {}}})
    with pytest.raises(UsageError, match=r"was not made by mcci.*kubectl label namespace fleet"):
        fleet.deploy(release("1"), "stage")
    assert fleet.calls("stage") == []


def test_release_from_the_record(fleet: Fleet) -> None:
    """A release without a name keeps what the environment has recorded."""
    from mcci.delivery.release.model import Release

    fleet.deploy(release("1"), "stage")
    fleet.calls("stage")
    fleet.deploy(Release(name="", images={}), "stage", sets=["microservice.replicas=4"])
    assert sorted(set(fleet.calls("stage"))) == ["upgrade api", "upgrade web"]
    assert fleet.images("stage") == {f"web-{V1}": "1", f"api-{V1}": "1"}


def test_one_service(fleet: Fleet) -> None:
    """A deploy of one service leaves the others, and their record."""
    fleet.deploy(release("1"), "stage")
    fleet.calls("stage")
    fleet.deploy(release("2"), "stage", services=["api"])
    assert fleet.calls("stage") == ["upgrade api"]
    record = fleet.record("stage")
    assert {name: each["image"][-1] for name, each in record["images"].items()} == {"web": "1", "api": "2"}


def test_old_version_is_retired(fleet: Fleet) -> None:
    """A version past its rollback window is removed by the next deploy, and its subset with it."""
    fleet.deploy(release("1"))
    fleet.deploy(release("2"))
    promote(fleet)
    fleet.calls("one")
    fleet.deploy(release("2"))
    assert fleet.images("one") == {f"web-{V2}": "2", f"api-{V1}": "2"}
    assert fleet.weights("one") == {V2: 100}


def promote(fleet: Fleet) -> None:
    """Make v2 the stable version, as `mcci canary promote` does, with the old one's window over."""
    from dataclasses import replace

    from mcci.canary import state_json
    from mcci.canary.state import Phase
    from mcci.clients.kubernetes.api import CONFIG_MAP

    fleet.move("one", **{V1: 0, V2: 100})
    api = fleet.api("one")
    found = api.peek(CONFIG_MAP, "mcci-canary-web", NAMESPACE)
    assert found
    state = state_json.read(found)
    new = replace(state, stable=V2, canary="", phase=Phase.STABLE, previous=V1, weights={V2: 100}, keep_until=fleet.now)
    api.put(CONFIG_MAP, state_json.config_map(new, NAMESPACE, 1, "one", found))
