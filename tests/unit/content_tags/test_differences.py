"""`mcci build --explain` names what made the content differ."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from mcci.delivery.content_tags.differences import Cause, differences
from mcci.delivery.content_tags.inputs import Inputs

NOW = Inputs(
    files={"a": "100644 1", "b": "100644 2"},
    settings={"build_args": {"A": "1"}, "build_secrets": []},
    bases={"python:3": "sha256:aa"},
    services={"base": "content-1"},
)


def said(before: Inputs, files: dict[str, str] | None = None) -> list[str]:
    """Return the differences as text; the label went through JSON."""
    label: dict[str, Any] = json.loads(json.dumps(before.summary))
    return [str(each) for each in differences(NOW, label, dict(before.files) if files is None else files)]


@pytest.mark.parametrize(
    ("before", "text"),
    [
        (replace(NOW, files={"a": "100644 1"}), "added b"),
        (replace(NOW, files={**NOW.files, "a": "100755 1"}), "changed a"),
        (replace(NOW, files={**NOW.files, "c": "100644 1"}), "removed c"),
        (replace(NOW, settings={**NOW.settings, "build_args": {"A": "0"}}), "build_args in mcci.yml: A=0 → A=1"),
        (replace(NOW, bases={"python:3": "sha256:bb"}), "base image python:3: sha256:bb → sha256:aa"),
        (replace(NOW, bases={}), "base image python:3: not used → sha256:aa"),
        (replace(NOW, services={"base": "content-0"}), "base, which it depends on, has another content"),
        (NOW, "the last image has this content, but not this content tag any more"),
    ],
)
def test_reasons(before: Inputs, text: str) -> None:
    """Each kind of input that differs is one reason, in words; none is invented."""
    assert said(before) == [text]


def test_a_shallow_clone_is_admitted() -> None:
    """Where the last image's commit is not in the clone, mcci says that files changed and that it cannot tell which."""
    found = differences(NOW, replace(NOW, files={}).summary, None)
    assert [each.cause for each in found] == [Cause.FILE]
    assert "too shallow" in found[0].what


def test_an_image_without_the_label() -> None:
    """An image that another version of mcci, or something else, has built tells nothing more."""
    assert [each.cause for each in differences(NOW, {}, {})] == [Cause.FORMAT]
