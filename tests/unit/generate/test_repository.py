"""This repository's own pipelines come from its own mcci.yml."""

from __future__ import annotations

from mcci.clients import job_templates
from mcci.config.load import load
from mcci.pipeline.generate import generate
from tests.unit.generate.generated import ROOT


def test_own_pipelines_are_generated() -> None:
    """Generating again changes nothing: `mcci generate` wrote the files that are committed, with the templates here."""
    config = load((ROOT / "mcci.yml").read_bytes())
    generated = generate(config, job_templates.load(ROOT / config.templates))
    (branch,) = generated.files
    assert branch == config.branches.default
    assert {path: (ROOT / path).read_text() for path in generated.files[branch]} == dict(generated.files[branch])


def test_own_checks_are_included() -> None:
    """The hand-written lint and test jobs are part of the repository's parent pipeline."""
    assert "- local: .ci/lint-and-test.yml" in (ROOT / ".gitlab-ci.yml").read_text()
