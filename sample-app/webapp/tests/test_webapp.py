"""The webapp's server: the page's files, their headers, and what is passed on to the gateway."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from servicekit import Answer, ProfileError, Service, load_settings
from servicekit.testing import AppClient, Call, FakeBackend, answering
from webapp.app import build
from webapp.page_files import load_page
from webapp.settings import Settings


@contextmanager
def serving(public_path: str = "/") -> Iterator[AppClient]:
    """A client of a webapp whose gateway does not exist."""
    settings = Settings(public_path=public_path, gateway_url="http://127.0.0.1:1")
    with AppClient(build(Service.create("webapp", settings), settings)) as client:
        yield client
    client.close()


def test_the_page_is_served_with_a_strict_policy() -> None:
    """The page may load only its own files: no inline script, no other host."""
    with serving() as client:
        answer = client.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|style=|<style", answer.text)


def test_every_file_named_by_the_page_is_there() -> None:
    """All that the page and its scripts refer to is served, and nothing lies outside."""
    files = load_page("/")
    texts = {name: file.content.decode() for name, file in files.items()}
    named = {name for text in texts.values() for name in re.findall(r'(?:src|href)="([a-z][\w.-]*)"', text)}
    imported = {name for text in texts.values() for name in re.findall(r'from "\./([\w.-]+)"', text)}
    assert named | imported <= set(files)
    outside = [text for text in re.findall(r"https?://[^\s\"'<>]+", "".join(texts.values())) if "w3.org" not in text]
    assert outside == []


def test_the_whole_page_is_small() -> None:
    """All files together are below 150 KB before compression."""
    assert sum(len(file.content) for file in load_page("/").values()) < 150_000


def test_unchanged_files_are_not_sent_again() -> None:
    """A browser that has the file gets 304."""
    with serving() as client:
        etag = client.get("/").headers["etag"]
        assert client.get("/", headers={"if-none-match": etag}).status_code == 304


def test_compression_is_for_those_who_take_it() -> None:
    """gzip when accepted, plain when not, and the same content."""
    with serving() as client:
        packed = client.get("/", headers={"accept-encoding": "gzip"})
        plain = client.get("/", headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content == gzip.decompress(load_page("/")["index.html"].compressed)


def test_public_path_moves_everything() -> None:
    """Under another path the page, its base address and its API move; the root leads there."""
    with serving("/fleet/map/") as client:
        assert '<base href="/fleet/map/">' in client.get("/fleet/map/").text
        assert client.get("/fleet/map/api/roads").status_code == 502
        assert client.get("/api/roads").status_code == 404
        assert client.get("/").headers["location"] == "/fleet/map/"
        assert client.get("/fleet/map").headers["location"] == "/fleet/map/"
        assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("path", ["fleet", "/fleet", "//evil.example/", "/../", '/"><script>/', "/a b/"])
def test_impossible_public_paths_are_refused(path: str) -> None:
    """A public path that is not one, or could leave the page, is refused at the start."""
    with pytest.raises(ProfileError, match="PUBLIC_PATH must match"):
        load_settings(Settings, "webapp", {"PUBLIC_PATH": path})


@pytest.mark.parametrize("path", ["/nothing.js", "/__init__.py", "/..%2fapp.py", "/%2e%2e/settings.py", "/.git"])
def test_nothing_but_the_page_is_served(path: str) -> None:
    """Files outside the page's folder cannot be had."""
    with serving() as client:
        assert client.get(path).status_code == 404


def test_a_lost_gateway_is_a_bad_gateway() -> None:
    """Without a gateway the API answers 502, without an address; the page itself is still served."""
    with serving() as client:
        answer = client.get("/api/vehicles")
        assert (answer.status_code, answer.json()["detail"]) == (502, "api-gateway cannot be reached")
        assert client.get("/").status_code == 200


def test_only_reading_is_passed_on() -> None:
    """The webapp passes nothing on that could change something."""
    with serving() as client:
        for method in ("POST", "PUT", "DELETE"):
            assert client.request(method, "/api/vehicles").status_code == 405


def test_answers_are_passed_on_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Status, type and body come from the gateway; its other headers and our caller's cookies stay where they are."""
    seen: list[Call] = []

    def gateway(call: Call) -> Answer:
        seen.append(call)
        return answering({"status": 404}, 404, set_cookie="a=b", cache_control="no-store")(call)

    monkeypatch.setattr("webapp.app.Backend", lambda name, *_, **__: FakeBackend(name, gateway))
    settings = Settings()
    with AppClient(build(Service.create("webapp", settings), settings)) as client:
        answer = client.get("/api/vehicles/x?y=1&z=%20", headers={"cookie": "secret", "x-request-id": "r1"})
    client.close()
    (call,) = seen
    assert (answer.status_code, answer.json()) == (404, {"status": 404})
    assert (answer.headers["cache-control"], "set-cookie" in answer.headers) == ("no-store", False)
    assert (call.path, call.query) == ("/api/vehicles/x", {"y": "1", "z": " "})
    assert call.headers == {"x-request-id": "r1", "accept": "*/*"}


@pytest.mark.parametrize("profile", ["local", "stage", "production"])
def test_profiles_are_valid(profile: str) -> None:
    """Every profile that ships can be loaded."""
    assert load_settings(Settings, "webapp", {"PROFILE": profile}).gateway_url
