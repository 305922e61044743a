"""A request across clusters: how the end of its pod is judged, and that the pod goes."""

from __future__ import annotations

from typing import Any

import pytest

from mcci.clients.kubernetes.api import POD
from mcci.mesh.verify import requests
from mcci.mesh.verify.model import Status
from tests.unit.clusters.fake_api import FakeApi, State

REQUEST = requests.Request(cluster="aws", url="http://staff.shop.svc.cluster.local:8080/healthz")


def cluster(state: dict[str, Any] | None, log: str = "") -> FakeApi:
    """Return a cluster in which the pod's own container comes to `state`, while its proxy runs on."""
    held = State()
    api = FakeApi("aws", held)

    def run() -> bool:
        found = api.list(POD, "shop")
        if not found or state is None or found[0].get("status"):
            return False
        proxy = {"name": "istio-proxy", "state": {"running": {}}}
        pod = found[0] | {"status": {"containerStatuses": [proxy, {"name": "request", "state": state}]}}
        held.logs["shop", pod["metadata"]["name"]] = log
        api.put(POD, pod)
        return True

    held.idle = run
    return api


@pytest.mark.parametrize(("state", "log", "status", "words"), [
    ({"terminated": {"exitCode": 0}}, "200", Status.OK, "answers 200"),
    ({"terminated": {"exitCode": 22}}, "curl: (22) 503", Status.FAILED, "curl ended with 22: curl: (22) 503"),
    ({"terminated": {"exitCode": 128, "reason": "StartError"}}, "", Status.FAILED, "StartError"),
    (None, "", Status.FAILED, "no answer within"),
    ({"waiting": {"reason": "ImagePullBackOff"}}, "", Status.FAILED, "no answer within"),
])  # fmt: skip
def test_how_it_ends(
    state: Any, log: str, status: Status, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """The container's exit code tells, whatever its proxy does; the pod is removed in any case."""
    monkeypatch.setattr(requests, "SECONDS", 0.4)
    api = cluster(state, log)
    result = requests.send(api, REQUEST, "shop", "curl")
    assert (result.status, result.check) == (status, "request")
    assert words in result.found
    assert api.list(POD, "shop") == []


def test_without_the_right() -> None:
    """Whoever may not make pods gets the check as one that was not made."""
    api = FakeApi("aws", State(denied={("create", "pods")}))
    assert requests.send(api, REQUEST, "shop", "curl").status is Status.UNCHECKED
