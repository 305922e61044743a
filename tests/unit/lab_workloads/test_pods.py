"""What a container gets, and what is told of it."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mcci.clients.engines.host_ports import at_home
from mcci.lab.clusters.controllers import conditions
from mcci.lab.clusters.pods import environment, logs, volumes
from mcci.lab.clusters.pods.container import quantity
from mcci.lab.clusters.pods.fake import FakeRuntime
from mcci.lab.clusters.pods.model import ConfigFailed, Image
from mcci.lab.clusters.pods.state import OOM, ContainerState, status_of

Object = dict[str, Any]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ADDRESS = "127.64.0.2"
IMAGE = Image(
    name="web", id="web@sha256:0", environment={"BIND": "0.0.0.0", "PATH": "/bin"}, entrypoint=("run",),
    command=("--host", "0.0.0.0:8080"),
)  # fmt: skip
POD: Object = {
    "metadata": {"name": "web-1", "namespace": "shop", "uid": "u", "labels": {"app": "web"}},
    "spec": {"containers": [], "nodeName": "lab", "serviceAccountName": "web"},
}
OBJECTS = {
    ("Secret", "keys"): environment.data_of(
        {"kind": "Secret", "data": {"token": base64.b64encode(b"s3cret").decode()}}
    ),
    ("ConfigMap", "all"): environment.data_of({"kind": "ConfigMap", "data": {"A": "1", "B": "2"}}),
}


def _lookup(kind: str, name: str) -> dict[str, bytes] | None:
    return OBJECTS.get((kind, name))


def _environment(**container: Any) -> dict[str, str]:
    return environment.environment(container, POD, IMAGE, ADDRESS, _lookup)


def test_environment() -> None:
    """The image's variables, then envFrom, then env, which may refer to those before; `$$` is a dollar sign."""
    found = _environment(
        envFrom=[{"prefix": "ALL_", "configMapRef": {"name": "all"}}],
        env=[
            {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "token"}}},
            {"name": "TEXT", "value": "$(ALL_A) $(UNKNOWN) $$(ALL_B)"},
            {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
            {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "NONE", "valueFrom": {"secretKeyRef": {"name": "none", "key": "x", "optional": True}}},
        ],
    )
    assert found == {
        "BIND": ADDRESS, "PATH": "/bin", "HOSTNAME": "web-1", "ALL_A": "1", "ALL_B": "2", "TOKEN": "s3cret",
        "TEXT": "1 $(UNKNOWN) $(ALL_B)", "POD": "web-1", "APP": "web", "IP": ADDRESS,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"secretKeyRef": {"name": "none", "key": "x"}}, 'secret "none" not found'),
        ({"secretKeyRef": {"name": "keys", "key": "x"}}, "couldn't find key x in Secret shop/keys"),
        ({"configMapKeyRef": {"name": "none", "key": "x"}}, 'configmap "none" not found'),
    ],
)
def test_reference_to_nothing(entry: Object, message: str) -> None:
    """A variable whose Secret, ConfigMap or key is not there is told by its name."""
    with pytest.raises(ConfigFailed, match=message):
        _environment(env=[{"name": "X", "valueFrom": entry}])


def test_command() -> None:
    """`command` takes the place of both, `args` of the image's command; any address becomes the pod's own."""
    known = {"PORT": "8080"}
    assert environment.command({}, IMAGE, known, ADDRESS) == ("run", "--host", f"{ADDRESS}:8080")
    assert environment.command({"args": ["$(PORT)"]}, IMAGE, known, ADDRESS) == ("run", "8080")
    assert environment.command({"command": ["other"]}, IMAGE, known, ADDRESS) == ("other",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.0.0.0", ADDRESS),
        ("http://0.0.0.0:80/", f"http://{ADDRESS}:80/"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("1.0.0.0.0", "1.0.0.0.0"),
    ],
)
def test_any_address(text: str, expected: str) -> None:
    """Only the address that means any is replaced."""
    assert at_home(text, ADDRESS) == expected


def test_volumes(tmp_path: Path) -> None:
    """ConfigMaps, Secrets and the downward API are files, an emptyDir is empty, and a subPath is one file of them."""
    pod = {
        **POD,
        "spec": {
            "volumes": [
                {"name": "config", "configMap": {"name": "all", "items": [{"key": "A", "path": "below/a"}]}},
                {"name": "keys", "secret": {"secretName": "keys"}},
                {
                    "name": "labels",
                    "downwardAPI": {"items": [{"path": "l", "fieldRef": {"fieldPath": "metadata.labels"}}]},
                },
                {"name": "scratch", "emptyDir": {}},
                {"name": "none", "configMap": {"name": "none", "optional": True}},
            ]
        },
    }
    made = volumes.prepare(tmp_path, pod, ADDRESS, _lookup)
    assert (made["config"] / "below/a").read_bytes() == b"1"
    assert (made["keys"] / "token").read_bytes() == b"s3cret"
    assert (made["labels"] / "l").read_text() == 'app="web"'
    assert list(made["scratch"].iterdir()) == list(made["none"].iterdir()) == []
    container = {"volumeMounts": [{"name": "keys", "mountPath": "/token", "subPath": "token", "readOnly": True}]}
    (mount,) = volumes.mounts(container, made)
    assert (mount.source, mount.target, mount.read_only) == (made["keys"] / "token", "/token", True)


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        ({"name": "v", "configMap": {"name": "none"}}, 'SetUp failed for volume "v" : configmap "none" not found'),
        ({"name": "v", "hostPath": {"path": "/"}}, "no volumes of type hostPath"),
    ],
)
def test_volume_of_nothing(tmp_path: Path, volume: Object, message: str) -> None:
    """A volume that cannot be made is told by its name, and why."""
    with pytest.raises(ConfigFailed, match=message):
        volumes.prepare(tmp_path, {**POD, "spec": {"volumes": [volume]}}, ADDRESS, _lookup)


def _status(policy: str, *codes: int | None, init: tuple[int | None, ...] = ()) -> Object:
    def state(code: int | None) -> ContainerState:
        one = ContainerState(name="c", image="i")
        one.run(NOW)
        one.ready = code is None
        if code is not None:
            one.end(code, NOW)
        return one

    pod = {**POD, "spec": {**POD["spec"], "restartPolicy": policy}}
    return status_of(pod, [state(code) for code in init], [state(code) for code in codes], address=ADDRESS, now=NOW)


@pytest.mark.parametrize(
    ("policy", "codes", "init", "phase"),
    [
        ("Always", (None,), (), "Running"),
        ("Always", (1,), (), "Running"),
        ("Never", (0, 0), (), "Succeeded"),
        ("Never", (0, 1), (), "Failed"),
        ("Never", (0, None), (), "Running"),
        ("OnFailure", (1,), (), "Running"),
        ("OnFailure", (0,), (), "Succeeded"),
        ("Always", (None,), (None,), "Pending"),
        ("Never", (None,), (1,), "Failed"),
    ],
)
def test_phase(policy: str, codes: tuple[int | None, ...], init: tuple[int | None, ...], phase: str) -> None:
    """A pod's phase follows from its containers, and from whether they will be started again."""
    assert _status(policy, *codes, init=init)["phase"] == phase


def test_ready_only_when_all_are() -> None:
    """A pod is ready when every container is; else the condition names those that are not."""
    assert conditions.is_true({"status": _status("Always", None, None)}, "Ready")
    found = conditions.find({"status": _status("Always", None, 1)}, "Ready") or {}
    assert (found["status"], found["reason"], found["message"]) == (
        "False",
        "ContainersNotReady",
        "containers with unready status: [c]",
    )


def test_out_of_memory() -> None:
    """A container that used too much memory is OOMKilled with 137."""
    (told,) = _status("Always", OOM)["containerStatuses"]
    assert (told["state"]["terminated"]["reason"], told["state"]["terminated"]["exitCode"]) == ("OOMKilled", 137)


@pytest.mark.parametrize(("text", "expected"), [("256Mi", 268435456), ("1G", 10**9), ("1.5Ki", 1536), ("42", 42)])
def test_quantity(text: str, expected: int) -> None:
    """Memory is written with binary and decimal suffixes."""
    assert quantity(text) == expected


def test_log(tmp_path: Path) -> None:
    """A log gives whole lines, its end, what came since, with or without the time before each."""
    log = logs.LogFile(tmp_path / "0.log")
    for piece in (b"one\ntw", b"o\n", b"three"):
        log.write(piece)
    log.close()
    assert logs.read(tmp_path / "0.log", logs.LogOptions()) == b"one\ntwo\nthree\n"
    assert logs.read(tmp_path / "0.log", logs.LogOptions(tail=1)) == b"three\n"
    assert logs.read(tmp_path / "0.log", logs.LogOptions(tail=0)) == b""
    assert logs.read(tmp_path / "0.log", logs.LogOptions(limit_bytes=5)) == b"one\nt"
    assert logs.read(tmp_path / "0.log", logs.LogOptions(since=datetime(2126, 1, 1, tzinfo=UTC))) == b""
    stamped = logs.read(tmp_path / "0.log", logs.LogOptions(timestamps=True)).split()
    assert [stamped[1], stamped[3]] == [b"one", b"two"]
    assert logs.read(tmp_path / "none.log", logs.LogOptions()) == b""


def test_fake_image() -> None:
    """A fake's image id carries the digest that was asked for."""

    async def pulled(image: str) -> str:
        return (await FakeRuntime().pull(image, "Always", {})).id

    digest = f"sha256:{'a' * 64}"
    assert _run(pulled(f"host:5000/web@{digest}")) == f"host:5000/web@{digest}"
    assert _run(pulled("host:5000/web:1")) == f"host:5000/web@sha256:{0:064x}"


def _run(work: Any) -> Any:
    """Run a coroutine that awaits nothing, without an event loop, which would want a socket."""
    with pytest.raises(StopIteration) as ended:
        work.send(None)
    return ended.value.value
