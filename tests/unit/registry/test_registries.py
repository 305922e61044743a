"""Where images live, by the configuration."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from mcci.clients.registry import reference
from mcci.clients.registry.retry import Policy
from mcci.config.load import load
from mcci.config.model import Config
from mcci.delivery import registries
from mcci.delivery.registries import candidate_repository, expand, release_repository, settings
from mcci.errors import UsageError


def config(registry: str = "{}") -> Config:
    services = "{cart: {}, orders: {image: api/orders}}"
    text = f"version: 1\napplication: shop\nregistry: {registry}\nservices: {services}\n"
    return load(text.encode(), "mcci.yml")


JOB = {"CI_REGISTRY_IMAGE": "registry.example/group/shop", "CI_REGISTRY": "registry.example"}


def test_release() -> None:
    """Releases go to the namespace, by default the application's name."""
    model = config()
    assert str(release_repository(model, model.services["cart"])) == "docker.io/shop/cart"
    model = config("{host: 'h.io:5000', namespace: a/b}")
    assert str(release_repository(model, model.services["orders"])) == "h.io:5000/a/b/api/orders"


def test_candidates() -> None:
    """Candidates go to the project's registry; those of merge requests are apart."""
    model = config()
    cart = model.services["cart"]
    assert str(candidate_repository(model, cart, JOB)) == "registry.example/group/shop/cart"
    merge_request = {**JOB, "CI_MERGE_REQUEST_ID": "1"}
    assert str(candidate_repository(model, cart, merge_request)) == "registry.example/group/shop/mr/cart"
    with pytest.raises(UsageError, match="the variable CI_REGISTRY_IMAGE is not set"):
        candidate_repository(model, cart, {})


def test_expanded() -> None:
    """Both ways to write a variable are read; text without one stays as it is."""
    assert expand("a/${X}/$Y.z", {"X": "1", "Y": "2"}, "key") == "a/1/2.z"
    assert expand("a/b", {}, "key") == "a/b"


def test_logins() -> None:
    """A job's own registry and dependency proxy are logged in to, besides the release registry."""
    environment = {**JOB, "CI_DEPENDENCY_PROXY_SERVER": "gitlab.example:443"}
    found = settings(config("{username: U, password: P}"), environment, print, Policy()).logins
    assert [(each.host, each.username_variable, each.password_variable) for each in found] == [
        ("docker.io", "U", "P"),
        ("registry.example", "CI_REGISTRY_USER", "CI_REGISTRY_PASSWORD"),
        ("gitlab.example:443", "CI_DEPENDENCY_PROXY_USER", "CI_DEPENDENCY_PROXY_PASSWORD"),
    ]


@pytest.mark.parametrize(
    ("registry", "expected"),
    [
        ("{host: h.io}", set()),
        ("{host: h.io, insecure: true}", {"h.io", "registry.example"}),
        ("{host: h.io, insecure: true, candidates: 'c.io/x'}", {"h.io", "c.io"}),
    ],
)
def test_insecure(registry: str, expected: set[str]) -> None:
    """Only a registry that mcci.yml calls insecure may be without TLS."""
    assert settings(config(registry), JOB, print, Policy()).insecure == expected


def test_opened_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each registry is opened once, whoever asks first: many threads at once get the same one."""
    made: list[str] = []
    all_here = threading.Barrier(8)

    class Slow:
        pull_limit = None
        http = SimpleNamespace(close=lambda: None)

        def __init__(self, host: str, _settings: object) -> None:
            threading.Event().wait(0.02)  # in which another thread would look, and find none
            made.append(host)

    monkeypatch.setattr(registries, "Registry", Slow)
    image = reference.parse("registry.example/a")

    def ask(opened: registries.Registries) -> object:
        all_here.wait(10)
        return opened.of(image)

    with registries.Registries(config(), {}, lambda _: None) as opened, ThreadPoolExecutor(8) as pool:
        found = set(pool.map(ask, [opened] * 8))
    assert (len(found), made) == (1, ["registry.example"])
