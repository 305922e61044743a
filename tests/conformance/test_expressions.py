"""Each expression of the corpus is what GitLab's documentation says it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mcci.pipeline.expressions import ExpressionError, is_true, parse

CORPUS = yaml.safe_load(Path(__file__).with_name("expressions.yml").read_text())


def cases() -> Iterator[Any]:
    """Yield one parameter set an expression: what it should be, its text, the variables."""
    for number, group in enumerate(CORPUS):
        for expected in ("true", "false", "invalid"):
            for expression in group.get(expected, ()):
                text = expression if isinstance(expression, str) else str(expression).lower()
                yield pytest.param(expected, text, group["variables"], id=f"{number}-{expected}-{text}")


@pytest.mark.parametrize(("expected", "expression", "variables"), list(cases()))
def test_expression(expected: str, expression: str, variables: dict[str, str]) -> None:
    """The expression is true, false or refused, as its group's page says."""
    try:
        parse(expression)
        actual = str(is_true(expression, variables.get)).lower()
    except ExpressionError:
        actual = "invalid"
    assert actual == expected


def test_size() -> None:
    """The corpus holds at least 150 expressions, each group with its source on GitLab's site."""
    assert len(list(cases())) >= 150
    assert all(group["source"].startswith("https://docs.gitlab.com/") for group in CORPUS)


def test_an_invalid_expression_counts_as_false() -> None:
    """GitLab takes an expression that it cannot read as false where it still meets one."""
    assert not is_true("$A = 1", {"A": "1"}.get)
