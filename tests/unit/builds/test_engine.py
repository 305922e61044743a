"""The engine is the job's, or one that can do what the Dockerfile asks for."""

from __future__ import annotations

import pytest

from mcci.clients.engines import ENGINES, buildah, buildkit, docker_sdk
from mcci.config.load import load
from mcci.config.model import Service
from mcci.delivery.builds.engine import choose, engine_name
from mcci.delivery.content_tags.assemble import Source
from mcci.errors import UsageError

PLAIN = Source(dockerfile="FROM a")
MOUNT = Source(dockerfile="FROM a\nRUN --mount=type=cache,target=/c x")


def service(own: str = "{}") -> Service:
    """Return a service."""
    return load(f"version: 1\napplication: a\nservices: {{web: {own}}}".encode()).services["web"]


def absent() -> str:
    """Stand for a check that finds no BuildKit."""
    raise UsageError("there is none.")


def test_the_table() -> None:
    """Every engine has the one shape, under its own name."""
    assert list(ENGINES) == ["docker", "buildkit", "buildah"]
    for name, engine in ENGINES.items():
        assert name == engine.NAME
        for verb in ("check", "build", "push", "running", "stop"):
            assert callable(getattr(engine, verb))


def test_the_jobs_engine() -> None:
    """MCCI_ENGINE chooses, docker is the default, and an unknown one is refused with those there are."""
    assert choose(service(), PLAIN, {}) is docker_sdk
    assert choose(service(), MOUNT, {"MCCI_ENGINE": "buildah"}) is buildah
    with pytest.raises(UsageError, match="docker, buildkit, buildah"):
        engine_name({"MCCI_ENGINE": "kaniko"})


@pytest.mark.parametrize(("own", "source"), [("{}", MOUNT), ("{build_secrets: [TOKEN]}", PLAIN)])
def test_what_needs_buildkit(own: str, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mounts and secrets go to BuildKit; without it they are refused, and both engines that can are named."""
    monkeypatch.setattr(buildkit, "check", lambda: "fine")
    assert choose(service(own), source, {}) is buildkit
    monkeypatch.setattr(buildkit, "check", absent)
    with pytest.raises(UsageError, match=r"BuildKit can, but there is none\..*buildah"):
        choose(service(own), source, {})
