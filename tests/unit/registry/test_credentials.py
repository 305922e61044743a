"""Where credentials come from, and what a damaged place says."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from mcci.clients.registry.credentials import Credentials, Login, find
from mcci.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

LOGIN = Login(host="docker.io", username_variable="U", password_variable="P")


def entry(name: str, secret: str = "secret") -> dict[str, str]:
    return {"auth": base64.b64encode(f"{name}:{secret}".encode()).decode()}


def inline(**body: Any) -> dict[str, str]:
    return {"DOCKER_AUTH_CONFIG": json.dumps(body), "HOME": "/nowhere"}


def user(host: str, environment: dict[str, str], *logins: Login) -> str | None:
    found = find(host, environment, logins)
    return found.username if found else None


@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "index.docker.io", "docker.io"])
def test_docker_hub(key: str) -> None:
    """Docker Hub's credentials stand under any of the names it has had."""
    assert user("docker.io", inline(auths={key: entry("me")})) == "me"


@pytest.mark.parametrize("key", ["r.example:5000", "https://r.example:5000", "https://r.example:5000/v2/"])
def test_host(key: str) -> None:
    """A host is found with its port, with or without a scheme and a path; another host is not."""
    assert user("r.example:5000", inline(auths={key: entry("me")})) == "me"
    assert user("r.example", inline(auths={key: entry("me")})) is None


def test_order(tmp_path: Path) -> None:
    """Variables come before DOCKER_AUTH_CONFIG, and that before $DOCKER_CONFIG/config.json."""
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"docker.io": entry("file")}}))
    places = {"DOCKER_CONFIG": str(tmp_path), "HOME": "/nowhere"}
    assert user("docker.io", places, LOGIN) == "file"
    places |= inline(auths={"docker.io": entry("inline")})
    assert user("docker.io", places, LOGIN) == "inline"
    places |= {"U": "variable", "P": "secret"}
    assert user("docker.io", places, LOGIN) == "variable"
    assert user("ghcr.io", places, LOGIN) is None


def test_home(tmp_path: Path) -> None:
    """Without DOCKER_CONFIG the file is in ~/.docker; without a file mcci is anonymous."""
    assert find("docker.io", {"HOME": str(tmp_path)}) is None
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text(json.dumps({"auths": {"docker.io": entry("home")}}))
    assert user("docker.io", {"HOME": str(tmp_path)}) == "home"


def test_colon_in_password() -> None:
    """A password may hold colons."""
    found = find("r.io", inline(auths={"r.io": entry("me", "a:b:c")}))
    assert found
    assert (found.username, found.secret) == ("me", "a:b:c")


def test_identity_token() -> None:
    """An identity token is a refresh token, whatever else the entry has."""
    found = find("r.io", inline(auths={"r.io": {**entry("me"), "identitytoken": "token"}}))
    assert found
    assert (found.secret, found.is_refresh_token) == ("token", True)


def test_hidden() -> None:
    """No secret shows in a representation."""
    assert "secret" not in repr(Credentials(username="me", secret="the secret")).replace("secret=", "")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("{", "is not JSON"),
        ("[]", "is not a JSON object"),
        ('{"auths": {"r.io": {"auth": "%%%"}}}', "is not base64"),
        ('{"credsStore": "../../bin/sh"}', "is no program's name"),
        ('{"credsStore": "a b; c"}', "is no program's name"),
    ],
)
def test_damaged(config: str, words: str) -> None:
    """A damaged configuration is named, and no odd helper is ever started."""
    with pytest.raises(UsageError, match=words) as caught:
        find("r.io", {"DOCKER_AUTH_CONFIG": config, "HOME": "/nowhere"})
    assert "DOCKER_AUTH_CONFIG" in str(caught.value)


@pytest.mark.parametrize("config", ["{}", '{"auths": null}', '{"auths": {"r.io": {}}}', '{"auths": {"r.io": null}}'])
def test_empty(config: str) -> None:
    """A configuration without the host leaves mcci anonymous."""
    assert find("r.io", {"DOCKER_AUTH_CONFIG": config, "HOME": "/nowhere"}) is None
