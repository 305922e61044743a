"""The dumper writes what every YAML reader reads back as the same values."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from mcci.pipeline.dump import dump, flow_text, inline, text

CHARACTERS = st.characters(exclude_categories=["Cs"])
# Text that YAML readers are known to mistake for something else.
TRAPS = st.sampled_from(
    """~ null Null yes no on off y N true FALSE 1 -1 +1 1_000 0x1f 0o17 017 1e3 1. .5 -.inf .nan 12:30:45 1:30
    2026-11-22 2026-11-22T10:00:00Z << = - -- --- ... ? : # ! & * @ ` % | > , [ ] { } $A ${A} $[[inputs.a]] .hidden
    ..""".split()  # noqa: SIM905 - fifty strings read better as words
)
TEXT = st.text(CHARACTERS) | TRAPS | st.text("ab:#,[]{}&*!|>'\"%@`~-? \t\n0.", max_size=8)
SCALARS = TEXT | st.integers() | st.booleans() | st.none()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12
)


@given(st.dictionaries(TEXT, VALUES, max_size=5))
def test_read_back(items: dict[str, Any]) -> None:
    """PyYAML (YAML 1.1, as GitLab's reader) and ruamel.yaml (1.2) read back exactly what was dumped."""
    written = dump(items)
    assert (yaml.load(written, yaml.CSafeLoader) or {}) == items
    assert (YAML(typ="safe", pure=True).load(written) or {}) == items


@given(VALUES)
def test_inline_is_one_line(value: Any) -> None:
    """A value in flow style is one line, and reads back the same in a list."""
    written = inline([value])
    assert "\n" not in written
    assert yaml.load(written, yaml.CSafeLoader) == [value]


@pytest.mark.parametrize(
    "plain",
    ["mcci build webapp", "$CI_MERGE_REQUEST_ID == null", "1 week", "1 hour 30 minutes", ".test", "docker:28-dind",
     "https://vehicles.example", "if [ -f a ]; then b; fi", "candidates/webapp.json", "**/*", "a, b", "10.5 %"],
)  # fmt: skip
def test_plain_where_it_can_be(plain: str) -> None:
    """Ordinary job text is written without quotes (a leading asterisk is an alias, so that one is quoted)."""
    assert text(plain) == (f'"{plain}"' if plain.startswith("*") else plain)


def test_quotes_only_in_flow() -> None:
    """A comma ends an item of a one-line list, so text that holds one is quoted there and nowhere else."""
    assert (text("a, b"), flow_text("a, b")) == ("a, b", '"a, b"')


def test_commands_stand_one_a_line() -> None:
    """Scripts and rules are block lists however short; other short lists take one line."""
    written = dump({"job": {"script": ["a"], "rules": [{"if": "$A"}], "needs": ["b", "c"]}})
    assert written == "job:\n  script:\n    - a\n  rules:\n    - if: $A\n  needs: [b, c]\n"
