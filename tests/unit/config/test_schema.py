"""The JSON Schema says what the reader does, as far as JSON Schema can."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator

from mcci.__main__ import run
from mcci.config import reference, schema
from mcci.config.load import load
from mcci.errors import ExitCode, InvalidInput
from tests.tools.examples import examples
from tests.unit.config.strategies import configs, mutations

ROOT = Path(__file__).parents[3]
VALIDATOR = Draft202012Validator(schema.schema())
SLOW = settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def reads(config: object) -> bool:
    """Return whether the reader takes `config`, written as JSON, which is YAML."""
    try:
        load(json.dumps(config, ensure_ascii=False).encode())
    except InvalidInput:
        return False
    return True


def only_between_keys(config: object) -> bool:
    """Return whether all that is wrong with `config` are rules that look across keys, or what YAML alone can tell."""
    try:
        load(json.dumps(config, ensure_ascii=False).encode())
    except InvalidInput as error:
        single = {"config-unknown-key", "config-type", "config-choice", "config-missing-key"}
        return all(finding.rule not in single for finding in error.findings)
    return True


def test_committed_copy_is_current() -> None:
    """mcci/config/schema.json is what `mcci schema` prints; `mcci schema --output` refreshes it."""
    assert (ROOT / "mcci/config/schema.json").read_text(encoding="utf-8") == schema.text()


def test_reference_page_is_current() -> None:
    """docs/reference/config.md is what `mcci schema --format markdown` prints."""
    assert (ROOT / "docs/reference/config.md").read_text(encoding="utf-8") == reference.markdown()


def test_command_prints_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    """`mcci schema` prints one JSON document, and nothing else."""
    assert run(["schema"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out) == schema.schema()


def test_command_writes_the_schema(tmp_path: Path) -> None:
    """`mcci schema --output FILE` writes it, with the folder above it."""
    assert run(["schema", "--output", str(tmp_path / ".mcci" / "schema.json")]) == ExitCode.DONE
    assert (tmp_path / ".mcci" / "schema.json").read_text(encoding="utf-8") == schema.text()


def test_is_draft_2020_12() -> None:
    """The schema is valid under the dialect that it names."""
    Draft202012Validator.check_schema(schema.schema())
    assert schema.schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def sections() -> list[tuple[str, dict[str, Any]]]:
    whole = schema.schema()
    return [("", whole), *whole["$defs"].items()]


@pytest.mark.parametrize(("name", "section"), sections())
def test_every_key_is_described(name: str, section: dict[str, Any]) -> None:
    """Every key has a description that is a sentence; a section takes no other keys."""
    assert section["additionalProperties"] is False
    for key, value in section["properties"].items():
        assert value["description"].endswith("."), f"{name}.{key}"


@pytest.mark.parametrize(("name", "section"), sections())
def test_defaults_and_examples_are_valid(name: str, section: dict[str, Any]) -> None:
    """Each default and example that the schema shows is one that it takes."""
    for key, value in section["properties"].items():
        alone = Draft202012Validator({**value, "$defs": schema.schema()["$defs"]})
        for shown in [*([value["default"]] if "default" in value else []), *value.get("examples", [])]:
            assert alone.is_valid(shown), f"{name}.{key}"


@SLOW
@given(configs())
def test_what_is_read_is_valid(config: dict[str, Any]) -> None:
    """What the reader takes, the schema takes; and the strategy makes configurations that the reader takes."""
    assert reads(config)
    assert [error.message for error in VALIDATOR.iter_errors(config)] == []


@SLOW
@given(mutations())
def test_one_wrong_key_is_judged_alike(config: object) -> None:
    """With one key or value changed, what the schema refuses the reader refuses, and the other way round.

    The other way holds for what JSON Schema can say: keys, types, choices.
    """
    valid = VALIDATOR.is_valid(config)
    if not valid:
        assert not reads(config)
    else:
        assert only_between_keys(config)
