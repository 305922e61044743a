"""Who mcci is to a registry, and what is said when that does not do: real users, tokens, TLS and helpers."""

from __future__ import annotations

import base64
import json
import os
import signal
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from mcci.clients.registry.client import Registry
from mcci.clients.registry.credentials import Login
from mcci.clients.registry.errors import RegistryFailed
from mcci.clients.registry.reference import parse
from mcci.clients.registry.transport import Settings
from mcci.delivery.push.copy import copy
from mcci.errors import McciError
from tests.service.registry import faults, images, servers, tokens
from tests.service.registry.faults import Fault
from tests.service.registry.project import QUICK, Project, client
from tests.service.registry.servers import PASSWORD, USER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.service.registry.servers import Server
    from tests.service.registry.tokens import TokenService

LAYERS = [images.layer({"a": b"1"})]
ANONYMOUS = {"REGISTRY_USER": "", "REGISTRY_PASSWORD": ""}


@pytest.fixture
def ready(project: Project, candidates: Registry) -> Project:
    """Return a project whose candidate waits to be pushed."""
    project.candidate("cart", images.push(candidates, project.built("cart"), LAYERS))
    return project


def config(host: str, **more: object) -> str:
    encoded = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    return json.dumps({"auths": {host: {"auth": encoded}}, **more})


def test_no_credentials(ready: Project) -> None:
    """Without credentials it is said where they would come from, and nothing is written."""
    done = ready.mcci("push", "cart", **ANONYMOUS)
    assert done.code == 2
    assert f"{ready.hub.host} wants credentials" in done.err
    assert "REGISTRY_USER" in done.err


def test_wrong_credentials(ready: Project) -> None:
    """Wrong credentials are told from missing ones, with where they come from and without the password."""
    done = ready.mcci("push", "cart", REGISTRY_PASSWORD="not the password")
    assert done.code == 2
    assert f"{ready.hub.host} does not accept the credentials" in done.err
    assert "$REGISTRY_USER and $REGISTRY_PASSWORD" in done.err
    assert "not the password" not in done.err + done.out


@pytest.mark.parametrize("prefix", ["", "https://"])
def test_docker_config(ready: Project, tmp_path: Path, prefix: str) -> None:
    """What `docker login` wrote to $DOCKER_CONFIG/config.json is used, with or without a scheme."""
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "config.json").write_text(config(prefix + ready.hub.host))
    done = ready.mcci("push", "cart", **ANONYMOUS, DOCKER_CONFIG=str(tmp_path / "docker"))
    assert (done.code, done.err) == (0, "")


def test_auth_config_variable(ready: Project) -> None:
    """GitLab's DOCKER_AUTH_CONFIG is used."""
    assert ready.mcci("push", "cart", **ANONYMOUS, DOCKER_AUTH_CONFIG=config(ready.hub.host)).code == 0


def helper(folder: Path, script: str) -> str:
    program = folder / "docker-credential-tests"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return f"{folder}:{os.environ['PATH']}"


def test_credential_helper(ready: Project, tmp_path: Path) -> None:
    """A credential helper is asked on its stdin for the host, and its answer used."""
    answer = json.dumps({"ServerURL": "", "Username": USER, "Secret": PASSWORD})
    path = helper(tmp_path, f"cat > {tmp_path}/asked; [ \"$*\" = get ] && echo '{answer}'")
    login = json.dumps({"credHelpers": {ready.hub.host: "tests"}})
    done = ready.mcci("push", "cart", **ANONYMOUS, DOCKER_AUTH_CONFIG=login, PATH=path)
    assert (done.code, done.err) == (0, "")
    assert (tmp_path / "asked").read_text() == ready.hub.host


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'the store is locked' >&2; exit 1", "the store is locked"),
        ("echo nonsense", "the answer of docker-credential-tests is not JSON"),
        ("echo 'credentials not found in native keychain'; exit 1", "wants credentials"),
    ],
)
def test_failing_helper(ready: Project, tmp_path: Path, script: str, words: str) -> None:
    """A helper that fails is named with its own words; one that knows nothing leaves mcci anonymous."""
    login = json.dumps({"credsStore": "tests"})
    done = ready.mcci("push", "cart", **ANONYMOUS, DOCKER_AUTH_CONFIG=login, PATH=helper(tmp_path, script))
    assert done.code == 2
    assert words in done.err


def test_missing_helper(ready: Project) -> None:
    """A helper that is not installed is named."""
    done = ready.mcci("push", "cart", **ANONYMOUS, DOCKER_AUTH_CONFIG=json.dumps({"credsStore": "tests-absent"}))
    assert done.code == 2
    assert "docker-credential-tests-absent, which is not on PATH" in done.err


def test_untrusted(ready: Project) -> None:
    """A certificate that nobody vouches for is refused, even on this machine, and nothing is sent in the clear."""
    done = ready.mcci("push", "cart", SSL_CERT_FILE="")
    assert done.code == 3
    assert f"{ready.hub.host}'s certificate is not trusted" in done.err
    assert "SSL_CERT_FILE" in done.err


def test_plain_http_elsewhere() -> None:
    """A registry elsewhere is spoken to over TLS only, unless mcci.yml says that it may do without."""
    open_ = Registry("registry.example", Settings(environment={"HOME": "/"}))
    assert open_.http.base == "https://registry.example"


def test_unreachable() -> None:
    """A registry that is not there is a service that failed, after the retries."""
    port = servers.free_port()
    registry = Registry(f"127.0.0.1:{port}", Settings(environment={"HOME": "/"}, policy=QUICK))
    with pytest.raises(Exception, match=f"127.0.0.1:{port} cannot be reached, after 4 attempts") as caught:
        registry.exists(parse(f"127.0.0.1:{port}/a:b"))
    assert getattr(caught.value, "exit_code", None) == 3


@pytest.fixture(name="service")
def _service(tmp_path: Path) -> Iterator[TokenService]:
    with tokens.running(tmp_path / "tokens") as service:
        yield service


@pytest.fixture(name="guarded")
def _guarded(tmp_path: Path, service: TokenService) -> Iterator[Server]:
    with servers.running(tmp_path / "guarded", tokens=service) as server:
        yield server


def test_token(guarded: Server, service: TokenService) -> None:
    """A registry with a token service gets a token for what is done, asked for once and used again."""
    with client(guarded) as registry:
        repository = parse(f"{guarded.host}/shop/cart")
        manifest = images.push(registry, repository, LAYERS)
        assert registry.exists(repository.at(manifest.digest))
    assert sorted(service.scopes) == [["repository:shop/cart:pull"], ["repository:shop/cart:pull,push"]]


def test_token_service_fails(guarded: Server, service: TokenService) -> None:
    """A token service that fails for a moment is asked again; one that keeps failing is a service that failed."""
    repository = parse(f"{guarded.host}/shop/cart")
    service.failures = [503, 429]
    with client(guarded) as registry:
        assert not registry.exists(repository.at("1"))
    service.failures = [500] * 9
    with client(guarded) as registry, pytest.raises(RegistryFailed, match="for a token failed 4 times"):
        registry.exists(repository.at("1"))


def test_refresh_token(guarded: Server, service: TokenService) -> None:
    """An identity token, as `docker login` keeps it for some registries, is traded for an access token."""
    kept = json.dumps({"auths": {guarded.host: {"identitytoken": tokens.REFRESH_TOKEN}}})
    settings = Settings(environment={"DOCKER_AUTH_CONFIG": kept, "HOME": "/"}, policy=QUICK)
    with Registry(guarded.host, settings) as registry:
        images.push(registry, parse(f"{guarded.host}/shop/cart"), LAYERS)
    assert ["repository:shop/cart:pull,push"] in service.scopes


def test_mounted_with_tokens(guarded: Server, service: TokenService) -> None:
    """A blob is mounted with one token for both repositories."""
    with client(guarded) as registry:
        one, two = parse(f"{guarded.host}/shop/candidates"), parse(f"{guarded.host}/shop/cart")
        manifest = images.push(registry, one, LAYERS)
        assert copy(registry, one.at(manifest.digest), registry, two).mounted == 2
    assert ["repository:shop/cart:pull,push", "repository:shop/candidates:pull"] in service.scopes


def test_location_elsewhere(candidates_server: Server) -> None:
    """A host that an answer leads to learns no credentials of the registry that led there."""
    with faults.before(candidates_server) as proxy, faults.before(candidates_server) as elsewhere:
        there = {"Location": f"http://{elsewhere.host}/v2/shop/cart/blobs/uploads/1"}
        proxy.faults = [Fault(method="POST", path="/uploads/", times=9, status=202, headers=there)]
        with client(candidates_server, host=proxy.host) as registry, pytest.raises(McciError):
            registry.put_blob(parse(f"{proxy.host}/shop/cart"), b"data")
        assert elsewhere.count("PATCH", "/uploads/1") > 0
        assert (proxy.authorized > 0, elsewhere.authorized) == (True, 0)


def test_token_service_refuses(guarded: Server) -> None:
    """Wrong credentials are found out at the token service."""
    login = Login(host=guarded.host, username_variable="U", password_variable="P")
    settings = Settings(environment={"U": USER, "P": "wrong", "HOME": "/"}, logins=(login,), policy=QUICK)
    with Registry(guarded.host, settings) as registry, pytest.raises(Exception, match="does not accept") as caught:
        registry.exists(parse(f"{guarded.host}/shop/cart:1"))
    assert getattr(caught.value, "exit_code", None) == 2


def test_token_expires(guarded: Server, service: TokenService) -> None:
    """A token that has expired unannounced is replaced, in the middle of the work too."""
    with client(guarded) as registry:
        repository = parse(f"{guarded.host}/shop/cart")
        service.lifetime = -300.0  # the registry sees that it is over; the answer says 300 s
        with pytest.raises(Exception, match="does not accept"):
            registry.exists(repository.at("1"))
        service.lifetime = 300.0
        assert not registry.exists(repository.at("1"))
        manifest = images.push(registry, repository, LAYERS)
    assert manifest
    assert len(service.scopes) >= 3


def test_short_token(guarded: Server, service: TokenService) -> None:
    """A token whose end is near is not used: a new one is asked for before the registry says no."""
    service.told = 1
    with client(guarded) as registry:
        for _ in range(3):
            registry.exists(parse(f"{guarded.host}/shop/cart:1"))
    assert len(service.scopes) == 3


def test_pull_limit(candidates_server: Server) -> None:
    """What is left of Docker Hub's pull limit is read from its answers."""
    with faults.before(candidates_server) as proxy:
        told = {"ratelimit-limit": "100;w=21600", "ratelimit-remaining": "76;w=21600"}
        proxy.faults = [Fault(method="HEAD", path="/manifests/", status=404, headers=told)]
        with client(candidates_server, host=proxy.host) as registry:
            registry.exists(parse(f"{proxy.host}/library/python:3"))
            assert str(registry.pull_limit) == "76 of 100 pulls in 6 h are left"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["push", "carrt"], "mcci.yml has no service 'carrt'. Did you mean 'cart'?"),
        (["push", "orders"], "`mcci build orders` writes it"),
        (["push", "cart", "--release", "a b"], "'a b' is no tag"),
    ],
)
def test_bad_input(ready: Project, arguments: list[str], words: str) -> None:
    """What cannot be pushed is refused before a registry is asked, saying what to do."""
    done = ready.mcci(*arguments)
    assert done.code == 2
    assert words in done.err


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"schema": "mcci.candidate/2"}', '{"schema": "mcci.candidate/1", "service": "cart"}',
     '{"schema": "mcci.candidate/1", "service": "cart", "content_tag": "x", "image": "a:b", "unchanged": false}'],
)  # fmt: skip
def test_damaged_candidate(ready: Project, text: str) -> None:
    """A candidate's file that is damaged, of another version, or without a digest is refused."""
    (ready.folder / "candidates" / "cart.json").write_text(text)
    done = ready.mcci("push", "cart")
    assert done.code == 2
    assert "candidates/cart.json" in done.err


def test_merge_request(ready: Project) -> None:
    """A merge request's pipeline never writes the release registry."""
    done = ready.mcci("push", "cart", CI_MERGE_REQUEST_ID="1")
    assert done.code == 2
    assert not (ready.hub.folder / "data").exists()


def test_terminated(project: Project, tmp_path: Path) -> None:
    """SIGTERM in the middle of a copy ends it soon with 143, and no tag is written."""
    with (
        faults.before(project.candidates) as proxy,
        client(project.candidates) as direct,
    ):
        manifest = images.push(direct, project.built("cart"), [images.layer({"a": os.urandom(2_000_000)})])
        project.candidate("cart", manifest)
        file = project.folder / "candidates" / "cart.json"
        file.write_text(file.read_text().replace(project.candidates.host, proxy.host))
        proxy.faults = [Fault(method="GET", path=manifest.layers[0].digest, times=99, status=503)]
        environment = {**project.environment, "CI_REGISTRY": proxy.host}
        process = subprocess.Popen(
            [sys.executable, "-m", "mcci", "push", "cart"], cwd=project.folder, env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        end = time.monotonic() + 30
        while not proxy.count("GET", manifest.layers[0].digest) and time.monotonic() < end:
            time.sleep(0.05)
        start = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 143, err
    assert time.monotonic() - start < 5
    assert "Traceback" not in err
    assert not (project.hub.folder / "data/docker/registry/v2/repositories/shop/cart/_manifests").exists()
