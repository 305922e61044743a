"""Pods of a lab are real: containers of the deployed image, each with an address, probed, restarted, ended."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from tests.service.engine import wheels
from tests.service.lab.conftest import ROOT, Lab, docker
from tests.tools.helm import HelmMissingError, helm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

CHART = str(ROOT / "charts/microservice")
QUICK = [
    "probes.startup.periodSeconds=1", "probes.readiness.periodSeconds=1", "probes.liveness.periodSeconds=1",
    "termination.preStopSeconds=0",
]  # fmt: skip


def _deploy(
    lab: Lab, cluster: str, name: str, reference: str, *values: str, wait: bool = True, more: Sequence[str] = ()
) -> None:
    try:
        program = str(helm("3"))
    except HelmMissingError as error:
        pytest.skip(str(error))
    repository, _, digest = reference.partition("@")
    given = [
        f"app={name}", "version=v1", f"image.repository={repository}", f"image.digest={digest}",
        "rollout.minReadySeconds=0", "cloud=aws", "env.GREETING=hello $(CLOUD)", *QUICK, *values,
    ]  # fmt: skip
    sets = [word for each in given for word in ("--set", each)]
    waiting = ["--wait", "--timeout", "60s"] if wait else []
    lab.run(cluster, program, "upgrade", "--install", name, CHART, *more, *sets, *waiting)


def _pods(lab: Lab, cluster: str, app: str) -> list[dict[str, Any]]:
    body = json.loads(lab.run(cluster, "kubectl", "get", "pods", "-l", f"app={app}", "-o", "json"))
    found: list[dict[str, Any]] = body["items"]
    return found


def _ask(address: str, path: str = "/") -> dict[str, Any]:
    with urllib.request.urlopen(f"http://{address}:8080{path}", timeout=5) as answer:
        body: dict[str, Any] = json.loads(answer.read())
    return body


def _eventually(look: Callable[[], Any], what: str, seconds: float = 30) -> Any:
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, f"not in {seconds} s: {what}"
        time.sleep(0.1)
    return found


def _runs(address: str) -> bool:
    try:
        _ask(address)
    except OSError:
        return False
    return True


def test_containers(lab: Lab, engine: str, web: str) -> None:
    """Two services are pulled by digest and run side by side; what crashes is restarted; down leaves nothing."""
    lab.environment["DOCKER_HOST"] = engine
    lab.up("prod-aws")
    for name in ("web", "api"):
        _deploy(lab, "prod-aws", name, web, "replicas=1", "profile.content=profile of the test")
    (first,), (second,) = _pods(lab, "prod-aws", "web"), _pods(lab, "prod-aws", "api")
    addresses = [each["status"]["podIP"] for each in (first, second)]
    assert addresses[0] != addresses[1]
    assert _containers(engine).count("\n") == 2
    assert first["status"]["containerStatuses"][0]["imageID"] == web
    assert _ask(addresses[0]) == {
        "pod": first["metadata"]["name"], "cloud": "aws", "greeting": "hello aws", "uid": 10001,
        "profile": "profile of the test", "tmp": True, "root": False,
    }  # fmt: skip
    with pytest.raises((OSError, http.client.HTTPException)):
        _ask(addresses[0], "/crash")

    def restarted() -> dict[str, Any] | None:
        (status,) = _pods(lab, "prod-aws", "web")[0]["status"]["containerStatuses"]
        return status if status["restartCount"] == 1 and status["ready"] else None

    status = _eventually(restarted, "the crashed container to be ready again", 60)
    assert status["lastState"]["terminated"]["exitCode"] == 3
    previous = lab.run("prod-aws", "kubectl", "logs", first["metadata"]["name"], "--previous")
    assert previous == f"listening on {addresses[0]}\n"
    _ask(addresses[0], "/stuck")
    killed = "Container web failed liveness probe, will be restarted"
    _eventually(lambda: killed in lab.run("prod-aws", "kubectl", "get", "events"), "the container that is stuck to go")
    _ask(addresses[1], "/unready")

    def unready() -> bool:
        body = json.loads(lab.run("prod-aws", "kubectl", "get", "endpoints", "api", "-o", "json"))
        return bool(body["subsets"][0].get("notReadyAddresses"))

    _eventually(unready, "the pod that says it is not ready to leave the Endpoints")
    lab.mcci("down")
    assert _containers(engine) == ""
    assert not any(map(_runs, addresses))


def test_sample_services(lab: Lab, engine: str, base: str, tmp_path: Path) -> None:
    """Two services of the sample application are deployed with its own values and profiles, and answer."""
    lab.environment["DOCKER_HOST"] = engine
    names = ("staff-service", "position-tracker")
    reference = _sample_image(engine, base, lab.up("stage-aws")["registry"], names, tmp_path)
    for name in names:
        source = wheels.SAMPLE / name
        more = ["--values", str(source / "values.yml"), "--set-file", f"profile.content={source}/profiles/stage.yml"]
        command = f"command={{python3,-m,{name.replace('-', '_')}}}"
        _deploy(lab, "stage-aws", name, reference, "replicas=1", command, more=more)
        (pod,) = _pods(lab, "stage-aws", name)
        metrics = f"http://{pod['status']['podIP']}:8080/metrics"
        with urllib.request.urlopen(metrics, timeout=5) as answer:
            assert b"http_requests" in answer.read()


def _sample_image(engine: str, base: str, registry: str, names: tuple[str, ...], folder: Path) -> str:
    """Build one image with services of the sample application, from their wheels; return its name with the digest."""
    context = folder / "sample"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-compile", "--find-links"]
    done = subprocess.run(
        [*install, str(wheels.build()), "--target", str(context / "app"), *names], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    lines = [f"FROM {base}", "ENV PYTHONPATH=/app BIND=0.0.0.0 PORT=8080", "COPY app /app", "USER 10001:10001"]
    (context / "Dockerfile").write_text("\n".join(lines))
    tag = f"{registry}/vehicles/services:1"
    docker(engine, "build", "-q", "--network", "none", "--tag", tag, str(context))
    docker(engine, "push", "-q", tag)
    return docker(engine, "image", "inspect", "--format", "{{index .RepoDigests 0}}", tag).strip()


def test_killed_supervisor(lab: Lab, engine: str, web: str) -> None:
    """After kill -9 of the supervisor its containers run on; `up` ends those, and brings what was deployed back."""
    lab.environment["DOCKER_HOST"] = engine
    told = lab.up("prod-aws")
    mine = f"{told['registry']}/shop/web:1"  # the lab's own registry serves the pods, too
    for arguments in (["pull", "-q", web], ["tag", web, mine], ["push", "-q", mine]):
        docker(engine, *arguments)
    _deploy(lab, "prod-aws", "web", f"{mine.removesuffix(':1')}@{web.partition('@')[2]}", "replicas=1")
    before = _containers(engine)
    os.kill(lab.state["pid"], signal.SIGKILL)
    assert "was killed" in lab.mcci("status", code=1).stderr
    assert _containers(engine) == before
    again = lab.up("prod-aws")
    assert again["clusters"] == told["clusters"]
    assert again["registry"] == told["registry"]

    def back() -> bool:
        pods = _pods(lab, "prod-aws", "web")
        ready = [each["ready"] for pod in pods for each in pod["status"]["containerStatuses"]]
        return ready == [True] and _containers(engine) not in ("", before)

    _eventually(back, "the pod in a new container")
    os.kill(lab.state["pid"], signal.SIGKILL)
    lab.mcci("down")
    assert _containers(engine) == ""


def _containers(engine: str) -> str:
    return docker(engine, "ps", "--all", "--quiet", "--filter", "label=io.mcci.lab")


def test_no_such_image(lab: Lab, engine: str) -> None:
    """A digest that no registry has is told as an event, and the pod waits with ImagePullBackOff."""
    lab.environment["DOCKER_HOST"] = engine
    registry = lab.up("prod-aws")["registry"]
    _deploy(lab, "prod-aws", "web", f"{registry}/shop/web@sha256:{'0' * 64}", "replicas=1", wait=False)

    def waits() -> bool:
        (pod,) = _pods(lab, "prod-aws", "web") or [{}]
        statuses = pod.get("status", {}).get("containerStatuses") or [{}]
        return bool(statuses[0].get("state", {}).get("waiting", {}).get("reason") == "ImagePullBackOff")

    _eventually(waits, "ImagePullBackOff")
    assert "Failed to pull image" in lab.run("prod-aws", "kubectl", "get", "events")


def test_processes(lab: Lab, web: str) -> None:
    """Without an engine the image's files run as processes, in them and as its user; down ends those."""
    lab.up("prod-aws", "--pods", "processes")
    _deploy(lab, "prod-aws", "web", web, "replicas=2", "profile.content=profile of the test")
    pods = _pods(lab, "prod-aws", "web")
    addresses = {each["status"]["podIP"] for each in pods}
    assert len(addresses) == 2
    for address in addresses:
        answer = _ask(address)
        assert (answer["profile"], answer["uid"]) == ("profile of the test", 10001)
        assert (answer["tmp"], answer["root"]) == (True, False)
    name = pods[0]["metadata"]["name"]
    with lab.follow("prod-aws", "kubectl", "logs", "--follow", name) as following:
        assert following.stdout
        assert following.stdout.readline().startswith("listening on 127.")
        lab.run("prod-aws", "kubectl", "delete", "pod", name, "--wait=false")
        assert following.stdout.readlines()[-1] == "told to end\n"
        assert following.wait(30) == 0
    lab.mcci("down")
    assert not any(map(_runs, addresses))
