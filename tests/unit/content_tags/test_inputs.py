"""A content tag depends on all that can change an image, and on nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcci.config.load import load
from mcci.config.model import Config
from mcci.delivery.content_tags.assemble import Source, assemble, in_order
from mcci.delivery.content_tags.inputs import Inputs, chosen, content_tag

INPUTS = Inputs(
    files={"web/a": "100644 1", "web/b": "100755 2"},
    settings={"build_args": {"A": "1"}, "stack": "python"},
    bases={"python:3": "sha256:aa"},
    services={"base": "content-1"},
)
FILES = {
    "web/Dockerfile": "100644 d1", "web/app.py": "100644 a1", "web/run.sh": "100755 r1", "web2/app.py": "100644 x1",
    "lib/x.py": "100644 l1", "lib2/x.py": "100644 z1", "base/Dockerfile": "100644 d2", "README": "100644 m1",
}  # fmt: skip
SOURCES = {"web": Source(dockerfile="FROM a:1"), "base": Source(dockerfile="FROM b:1")}
DIGESTS = {"a:1": "sha256:a", "b:1": "sha256:b"}
TEXT = """
version: 1
application: shop
services:
  web: {depends_on: [lib/, base]}
  base: {}
"""


def config(text: str = TEXT) -> Config:
    """Return a configuration."""
    return load(text.encode())


def tags(files: dict[str, str] = FILES, digests: dict[str, str] = DIGESTS, text: str = TEXT) -> dict[str, str]:
    """Return the content tags of web and what it depends on."""
    found = assemble(config(text), ["web"], files, SOURCES, digests)
    return {name: content_tag(inputs) for name, inputs in found.items()}


@pytest.mark.parametrize(
    "change",
    [
        {"files": {**INPUTS.files, "web/a": "100644 3"}},
        {"files": {**INPUTS.files, "web/a": "100755 1"}},
        {"files": {**INPUTS.files, "web/a": "120000 1"}},
        {"files": {**INPUTS.files, "web/c": "100644 1"}},
        {"files": {"web/a": "100644 1"}},
        {"files": {"web/a": "100755 2", "web/b": "100644 1"}},
        {"settings": {**INPUTS.settings, "stack": "go"}},
        {"settings": {**INPUTS.settings, "build_args": {"A": "2"}}},
        {"bases": {"python:3": "sha256:ab"}},
        {"services": {"base": "content-2"}},
    ],
    ids=["content", "mode", "link", "added", "removed", "swapped", "stack", "argument", "base", "service"],
)
def test_every_input_counts(change: dict[str, Any]) -> None:
    """A file's content, mode and path, a setting, a base image and a dependency each change the tag."""
    assert content_tag(replace(INPUTS, **change)) != content_tag(INPUTS)


@given(st.permutations(list(FILES.items())))
def test_order_does_not_count(items: list[tuple[str, str]]) -> None:
    """Whatever order a file system lists files in, the tag is the same."""
    assert tags(dict(items)) == tags()


def test_the_tag_is_stable() -> None:
    """The same inputs give the same tag on every machine and in every version of mcci: a release depends on it."""
    assert content_tag(INPUTS) == "content-207c5e26e07d1dad2699e2334a45924e7e6059e1"


def test_files_elsewhere_do_not_count() -> None:
    """A file outside of the service and of what it depends on changes nothing, nor one in a folder named alike."""
    assert tags({**FILES, "README": "100644 n", "web2/app.py": "100644 n", "lib2/x.py": "100644 n"}) == tags()


@pytest.mark.parametrize("path", ["web/app.py", "lib/x.py", "base/Dockerfile"])
def test_files_of_dependencies_count(path: str) -> None:
    """The service's own files, a folder it depends on and the files of a service it depends on all count."""
    assert tags({**FILES, path: "100644 new"})["web"] != tags()["web"]


def test_a_dependency_is_not_rebuilt_for_its_user() -> None:
    """What changes only the service that depends leaves the dependency's tag alone."""
    assert tags({**FILES, "web/app.py": "100644 new"})["base"] == tags()["base"]


def test_base_images_of_dependencies_count() -> None:
    """A new base image of a service it depends on is a new image of the service."""
    assert tags(digests={**DIGESTS, "b:1": "sha256:new"})["web"] != tags()["web"]


def test_other_settings_do_not_count() -> None:
    """What mcci.yml says of the deployment, the tests and other services does not rebuild an image."""
    text = TEXT.replace("depends_on", "canary: off, ports: {http: 99}, tests: [make], depends_on") + "  other: {}\n"
    assert tags(text=text) == tags()


def test_what_the_dockerignore_keeps_out_does_not_count() -> None:
    """With the whole repository as context, a file that is not sent to the engine and not the service's own is none."""
    text = TEXT.replace("web: {", "web: {context: ., ")
    source = {**SOURCES, "web": Source(dockerfile="FROM a:1", ignored=frozenset({"README"}))}
    before = assemble(config(text), ["web"], FILES, source, DIGESTS)["web"]
    assert before == assemble(config(text), ["web"], {**FILES, "README": "100644 n"}, source, DIGESTS)["web"]
    assert before != assemble(config(text), ["web"], {**FILES, "web2/app.py": "100644 n"}, source, DIGESTS)["web"]


def test_dependencies_come_first() -> None:
    """A service comes after every service its image is built from."""
    assert in_order(config(), ["web"]) == ("base", "web")


def test_a_single_file_may_be_named() -> None:
    """A path of a file stands for that file, `.` for the whole repository."""
    assert chosen(FILES, ("README",)) == {"README": "100644 m1"}
    assert chosen(FILES, (".",)) == FILES
