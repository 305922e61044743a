"""Whose engine runs the pods: one that is there, whatever networks it has, unless it runs containers elsewhere."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.service.engine import engines
from tests.service.lab.conftest import docker, making
from tests.service.lab.site import Site
from tests.service.registry.servers import need

if TYPE_CHECKING:
    from tests.service.lab.conftest import Lab


@pytest.mark.faults
def test_bridged(lab: Lab, web: str, tmp_path: Path) -> None:
    """An engine with a bridge, as a laptop's is, runs the pods where the mesh reaches them; the lab leaves it alone."""
    with engines.bridge() as bridge, engines.dockerd(tmp_path / "engine", options=[f"--bridge={bridge}"]) as engine:
        lab.environment["DOCKER_HOST"] = engine
        site = Site(lab, web)
        assert site.part("engine") == {"host": engine, "own": False}
        assert docker(engine, "ps", "--quiet").count("\n") == 2
        assert "DOCKER_HOST" not in lab.mcci("status", "--format", "env").stdout
        lab.mcci("down")
        assert docker(engine, "ps", "--all", "--quiet") == ""


@pytest.mark.faults
def test_elsewhere(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that calls its host by another name than this machine's is told and left alone."""
    program = need("dockerd", "docker.io")
    script = tmp_path / "dockerd"
    script.write_text(f'#!/bin/sh\nexec unshare --uts sh -c \'hostname elsewhere; exec {program} "$@"\' -- "$@"\n')
    script.chmod(0o755)
    monkeypatch.setattr(engines, "need", lambda *_: str(script))
    with engines.dockerd(tmp_path / "engine") as engine:
        lab.environment["DOCKER_HOST"] = engine
        done = lab.mcci("up", "prod-aws")
        assert f"the engine at {engine} runs containers on elsewhere, which is not this machine" in done.stderr
        assert lab.state["parts"]["engine"].get("host") != engine
        lab.mcci("down")


@pytest.mark.faults
def test_no_engine(lab: Lab, tmp_path: Path) -> None:
    """Where dockerd cannot start the lab says why, and pods are processes."""
    broken = tmp_path / "bin"
    broken.mkdir()
    (broken / "dockerd").write_text("#!/bin/sh\necho this kernel has no overlay >&2\nexit 1\n")
    (broken / "dockerd").chmod(0o755)
    lab.environment.pop("DOCKER_HOST", None)
    lab.environment["PATH"] = f"{broken}:{lab.environment['PATH']}"
    done = lab.mcci("up", "prod-aws")
    assert "dockerd does not start here (this kernel has no overlay)" in done.stderr
    assert "pods are processes of this machine" in done.stderr
    assert "DOCKER_HOST" not in done.stdout


@pytest.mark.faults
def test_deep_folder(tmp_path: Path) -> None:
    """The engine starts and restarts where the state's path is longer than a socket's may be, and leaves nothing."""
    deep = tmp_path / ("deep" * 15) / ("down" * 15)
    deep.mkdir(parents=True)
    with making(deep) as lab:
        lab.environment.pop("DOCKER_HOST", None)
        lab.up("prod-aws")
        host = lab.state["parts"]["engine"]["host"]
        assert docker(host, "info", "--format", "{{.DockerRootDir}}").strip() == str(deep / "state/engine/data")
        os.kill(lab.state["pid"], signal.SIGKILL)
        lab.up("prod-aws")
        assert docker(host, "ps", "--quiet") == ""
    assert not Path(host.removeprefix("unix://")).parent.exists()
