"""What the generator's tests share: configurations and the templates that mcci ships."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from mcci.clients import job_templates
from mcci.config.load import load
from mcci.pipeline.generate import Generated, generate

CASES = Path(__file__).parent / "cases"
ROOT = Path(__file__).parents[3]


@cache
def templates() -> dict[str, tuple[str, str]]:
    """Return mcci's own job templates."""
    return job_templates.load(Path("nowhere"))


def make(text: str) -> Generated:
    """Return what the configuration `text` generates."""
    return generate(load(text.encode()), templates())


def files(generated: Generated) -> dict[str, str]:
    """Return every generated file once, by path."""
    return {path: text for branch in generated.files.values() for path, text in branch.items()}


def jobs(text: str) -> dict[str, dict[str, Any]]:
    """Return the jobs of a pipeline, with what each extends merged in."""
    content = list(yaml.load_all(text, yaml.CSafeLoader))[-1]
    return {name: merged(content, name) for name, job in content.items() if isinstance(job, dict) and is_job(name)}


def is_job(name: str) -> bool:
    """Whether a top-level key is a visible job."""
    return not name.startswith(".") and name not in ("default", "workflow", "variables", "spec")


def merged(content: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a job with what it extends, one level of keywords deep (as much as the generated files need)."""
    result: dict[str, Any] = {}
    extends = content[name].get("extends", [])
    for base in [extends] if isinstance(extends, str) else extends:
        result |= merged(content, base)
    return result | {key: value for key, value in content[name].items() if key != "extends"}
