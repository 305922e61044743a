"""The pages say what is true: every setting and its default is documented, every endpoint exists."""

from __future__ import annotations

import importlib
import re
from dataclasses import fields
from pathlib import Path

import pytest
from starlette.routing import Route

from localrun.services import CALLS, ROOT
from servicekit import Service, ServiceSettings


def documented(folder: Path) -> dict[str, tuple[str, str]]:
    """Default and help by key, from the table of settings in a README."""
    text = (folder / "README.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| `(.*?)` \| (.*?) \|$", text, re.MULTILINE)
    return {key: (default, help) for key, default, help in rows}


def declared(settings: type[ServiceSettings]) -> dict[str, tuple[str, str]]:
    """The same from the settings themselves; a subclass' own only."""
    found = {}
    for field in fields(settings):
        if settings is ServiceSettings or field.name in settings.__annotations__:
            default = f"{field.default:g}" if isinstance(field.default, float) else str(field.default)
            found[field.name] = (default, field.metadata["limits"].help)
    return found


@pytest.mark.parametrize("name", CALLS)
def test_every_setting_is_documented(name: str) -> None:
    """A service's README lists its own settings with their defaults, no more and no fewer."""
    settings = importlib.import_module(f"{name.replace('-', '_')}.settings").Settings
    assert documented(ROOT / name) == declared(settings)


def test_common_settings_are_documented() -> None:
    """The shared library's README lists the settings that all services have."""
    assert {key: default for key, (default, _) in documented(ROOT / "servicekit").items()} == {
        key: default for key, (default, _) in declared(ServiceSettings).items()
    }


@pytest.mark.parametrize("name", CALLS)
def test_every_endpoint_is_documented(name: str) -> None:
    """Each route's path stands in the README, with NAME for a parameter."""
    package = name.replace("-", "_")
    settings = importlib.import_module(f"{package}.settings").Settings()
    app = importlib.import_module(f"{package}.app").build(Service.create(name, settings), settings)
    text = (ROOT / name / "README.md").read_text()
    paths = {re.sub(r"\{.*?\}", "NAME", route.path) for route in app.routes if isinstance(route, Route)}
    hidden = {"/NAME", "/api/NAME"} if name == "webapp" else set()
    assert [path for path in sorted(paths - hidden) if f"`{path}`" not in text and path not in text] == []


def test_the_readme_names_commands_that_exist() -> None:
    """Every path that the application's README names is there."""
    text = (ROOT / "README.md").read_text()
    named = re.findall(r"sample-app/([\w./-]+)", text)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []
