"""Job templates: GitLab's inputs are filled in, a user's file takes the place of mcci's, and a wrong one is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from mcci.clients import job_templates
from mcci.config.load import load
from mcci.errors import InvalidInput, UsageError
from mcci.pipeline.generate import generate
from mcci.pipeline.generate.build import INPUTS
from mcci.pipeline.generate.templates import parse
from tests.unit.generate.generated import files, jobs, templates

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = b"version: 1\napplication: shop\nservices: {cart: {}}\n"
BUILD = """spec:
  inputs:
    service: {description: The service.}
    stage: {description: The stage.}
---
# Ours builds with a cache.
.build:
  extends: .engine
build $[[ inputs.service ]]:
  extends: .build
  stage: $[[ inputs.stage ]]
  script:
    - mcci build $[[ inputs.service ]] --verbose
"""


def overridden(text: str, name: str = "build") -> dict[str, str]:
    """Return what is generated when the user's repository has a template of its own."""
    return files(generate(load(CONFIG), {**templates(), name: (f"pipeline-templates/{name}.yml", text)}))


def refusal(text: str) -> str:
    """Return the message for a build template that cannot be used."""
    with pytest.raises(InvalidInput) as caught:
        overridden(text)
    return str(caught.value)


def test_users_template_wins(tmp_path: Path) -> None:
    """A file of the same name in the user's folder takes the place of mcci's, comments included."""
    (tmp_path / "build.yml").write_text(BUILD)
    found = job_templates.load(tmp_path)
    text = files(generate(load(CONFIG), found))["develop-gitlab-ci.yml"]
    assert "# Ours builds with a cache.\n.build:" in text
    assert jobs(text)["build cart"]["script"] == ["mcci build cart --verbose"]


def test_unknown_template_is_refused(tmp_path: Path) -> None:
    """A file that is no template's name is a mistake, not silently ignored."""
    (tmp_path / "biuld.yml").write_text(BUILD)
    with pytest.raises(UsageError, match=r"biuld\.yml: mcci has no job template of this name"):
        generate(load(CONFIG), job_templates.load(tmp_path))


def test_every_template_says_what_it_takes() -> None:
    """Each of mcci's templates declares exactly the inputs that are filled in, each with a description."""
    for name, (_, text) in templates().items():
        spec = next(iter(yaml.safe_load_all(text)))["spec"]["inputs"]
        assert set(spec) == INPUTS[name], name
        assert all(each["description"].endswith(".") for each in spec.values()), name


def test_every_template_is_there() -> None:
    """The table of inputs and the folder of templates list the same names."""
    assert set(templates()) == set(INPUTS)


def test_nothing_is_left_out() -> None:
    """A key whose input is nothing is left out; one whose input is zero or false is not."""
    source = (
        "spec: {inputs: {service: {}, stage: {}}}\n---\nbuild $[[ inputs.service ]]:\n  stage: $[[ inputs.stage ]]\n"
        "  tags:\n    - $[[ inputs.service ]]\n  script: [a]\n"
    )
    template = parse(source, "build.yml", INPUTS["build"])
    assert template.instantiate({"service": "", "stage": 0}) == ("build ", {"stage": 0, "tags": [], "script": ["a"]})


def test_refused_without_header() -> None:
    """A template without the inputs' header is no template."""
    assert refusal("build:\n  script: [a]\n") == (
        "pipeline-templates/build.yml:1:1: a template begins with a 'spec: inputs:' header and a '---' line. [template]"
    )


def test_refused_input() -> None:
    """An input that mcci does not fill in is refused at its line."""
    message = refusal(BUILD.replace("build $[[ inputs.service ]] --verbose", "build $[[ inputs.servce ]]"))
    assert message.startswith("pipeline-templates/build.yml:13:1: the input 'servce' is not one that is filled in here")


def test_refused_second_job() -> None:
    """A template makes one job."""
    assert "a template has one job, and 'second' is a second one" in refusal(BUILD + "second:\n  script: [a]\n")


def test_refused_yaml() -> None:
    """A template that is not YAML is refused at its place."""
    assert refusal(BUILD + "\tx: [").startswith("pipeline-templates/build.yml:14:")
