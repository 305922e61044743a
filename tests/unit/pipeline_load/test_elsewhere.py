"""Includes of files from elsewhere: a component's own context, and the hash that a remote file must have."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from typing import Any

import pytest

from mcci.pipeline.configuration import Configuration, load_several
from mcci.pipeline.files import MemoryFiles, Sources
from mcci.pipeline.includes import Context
from mcci.pipeline.rules import World

REMOTE = "far: {script: [make]}\n"
URL = "https://example.com/far.yml"
HASH = "sha256-" + b64encode(sha256(REMOTE.encode()).digest()).decode()
COMPONENT = """\
spec:
  component: [%s]
---
"$[[ component.name ]]":
  script: ["echo $[[ component.%s ]]"]
"""


class Nothing(World):
    """A world without changes or files."""

    def changed_paths(self, compare_to: str | None) -> tuple[str, ...] | None:
        """Return nothing."""
        return None

    def existing_paths(self, project: str | None, ref: str | None) -> tuple[str, ...]:
        """Return nothing."""
        return ()


def loaded(include: dict[str, Any], component: str = "", **files: str) -> Configuration:
    """Return a configuration with one include; `component` is group/lib's component `one`."""
    sources = Sources(
        local=MemoryFiles({".gitlab-ci.yml": json.dumps({"include": [include]}), **files}),
        remote=MemoryFiles({URL: REMOTE}),
        components={"group/lib": MemoryFiles({"templates/one.yml": component})},
    )
    return load_several(sources, [(".gitlab-ci.yml", {})], Context(world=Nothing()))


def script(include: str, component: str) -> Any:
    """Return the script of the component's job."""
    return loaded({"component": include}, component).jobs["one"].keywords["script"][0]


def messages(configuration: Configuration) -> list[str]:
    """Return what was found."""
    return [finding.message for finding in configuration.findings]


@pytest.mark.parametrize(
    ("reference", "key", "value"),
    [
        ("1.2.3", "reference", "1.2.3"),
        ("~latest", "reference", "~latest"),
        ("1.2.3", "version", "1.2.3"),
        ("a" * 40, "sha", "a" * 40),
        ("main", "name", "one"),
    ],
)
def test_component(reference: str, key: str, value: str) -> None:
    """A component's file knows its name and reference, and the version or commit that the reference spells out."""
    listed = "name" if key == "name" else f"name, {key}"
    assert script(f"gitlab.com/group/lib/one@{reference}", COMPONENT % (listed, key)) == f"echo {value}"


@pytest.mark.parametrize(("reference", "key"), [("main", "sha"), ("1.2", "version")])
def test_known_to_gitlab(reference: str, key: str) -> None:
    """What a branch or a short version resolves to is not guessed."""
    found = loaded({"component": f"gitlab.com/group/lib/one@{reference}"}, COMPONENT % (f"name, {key}", key))
    assert f"component.{key} of 'one@{reference}' is known to GitLab only" in messages(found)
    assert found.jobs == {}


def test_not_listed() -> None:
    """A key that spec:component does not list is unknown, as is one that there is not."""
    found = loaded({"component": "gitlab.com/group/lib/one@1.0.0"}, COMPONENT % ("name", "sha"))
    assert messages(found) == ["unknown interpolation key: `component.sha`"]
    found = loaded({"component": "gitlab.com/group/lib/one@1.0.0"}, COMPONENT % ("name, colour", "name"))
    assert messages(found) == ["spec:component should list some of name, reference, sha, version"]


def test_no_component() -> None:
    """A file that is no component's knows no component."""
    found = loaded({"local": "one.yml"}, **{"one.yml": COMPONENT % ("name", "name")})
    assert "unknown interpolation key: `component.name`" in messages(found)


@pytest.mark.parametrize(
    ("include", "message"),
    [
        ({"remote": URL, "integrity": HASH}, None),
        ({"remote": URL, "integrity": "sha256-aaaa"}, f"include:remote '{URL}' failed the integrity check"),
        ({"remote": URL, "integrity": "md5-aaaa"}, "include integrity hash must start with 'sha256-'"),
        ({"remote": URL, "integrity": "sha256-!"}, "include integrity hash must be base64 encoded"),
        ({"local": "a.yml", "integrity": HASH}, "include integrity can only be specified for remote includes"),
    ],
)
def test_integrity(include: dict[str, str], message: str | None) -> None:
    """A remote file comes in only when its hash is the one asked for; a hash that is none is refused."""
    found = loaded(include)
    assert ("far" in found.jobs) is (message is None)
    if message is not None:
        assert messages(found)[0].startswith(message)
        assert found.findings[0].position.line == 1
