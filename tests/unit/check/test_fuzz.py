"""Whatever stands in a file: findings at places that exist, never a traceback."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcci.check import check
from mcci.check.collect import collect
from mcci.check.gitlab_schema import DEFAULT, GLOBAL, JOB, GitlabSchema
from mcci.pipeline.files import MemoryFiles
from tests.tools.examples import examples

CASES = Path(__file__).parent / "cases"
TEXTS = [path.read_text() for path in sorted(CASES.rglob(".gitlab-ci.yml")) if path.stat().st_size < 4000]
SCHEMA = GitlabSchema()
KEYWORDS = sorted(SCHEMA.keywords(JOB) | SCHEMA.keywords(DEFAULT) | SCHEMA.keywords(GLOBAL))
INNER = [
    "job",
    "name",
    "paths",
    "when",
    "if",
    "matrix",
    "local",
    "include",
    "project",
    "strategy",
    "compare_to",
    "action",
]
NAMES = ["build", "test", ".base", "default", "pages", "stages", "a b", "", "<<", "$[[ inputs.x ]]", "1", "é"]
WORDS = [*NAMES, "manual", "never", "production", "echo $TOKEN", "set -x", "$A == 'b'", "a.yml", "a: b\n", "\t", "main"]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 300),
    st.floats(allow_nan=False),
    st.sampled_from(WORDS),
    st.text(max_size=8),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from([*INNER, *KEYWORDS]), inner, max_size=3)
    ),
    max_leaves=12,
)
JOBS = st.dictionaries(st.sampled_from(KEYWORDS), VALUES, max_size=6)
FILES = st.dictionaries(st.sampled_from([*NAMES, *KEYWORDS]), st.one_of(JOBS, VALUES), max_size=6)
SETTINGS = settings(max_examples=examples(70), deadline=None, suppress_health_check=[HealthCheck.too_slow])


def examine(text: str) -> None:
    """Check a text, as a parent that may start itself as a child, and look at where the findings point."""
    subject = collect(MemoryFiles({".gitlab-ci.yml": text, "a.yml": text}), [".gitlab-ci.yml"])
    lines = len(re.split("\r\n|[\r\n\x85\u2028\u2029]", text)) + 1
    for finding in check(subject):
        assert 1 <= finding.position.line <= lines
        assert finding.position.column >= 1
        assert finding.message


KINDS: list[Any] = [
    None,
    True,
    1,
    -1.5,
    "",
    "x",
    "$X",
    [],
    [None],
    [1],
    ["x"],
    [["x"]],
    [{}],
    [{"job": 1}],
    [{"if": 1, "when": []}],
]
KINDS += [
    {},
    {"a": 1},
    {"include": 1},
    {"include": [{"local": 1}]},
    {"include": ".gitlab-ci.yml"},
    {"matrix": [{"A": 1}]},
]
KINDS += [
    {"name": []},
    {"name": 1, "action": {}, "on_stop": "x"},
    {"project": [], "strategy": 1},
    {"rules": [{"when": {}}]},
]


@pytest.mark.parametrize("keyword", KEYWORDS)
def test_any_kind(keyword: str) -> None:
    """Each keyword with a value of each kind, in a job, a template, `default` and the file itself."""
    extended = {"extends": ".base", "needs": ["one 1"], "trigger": {"include": "a.yml"}}
    jobs = {f"one {number}": {"script": ["make"], keyword: value} for number, value in enumerate(KINDS)}
    examine(yaml.safe_dump({**jobs, **{f".{name}": job for name, job in jobs.items()}, "two": extended}))
    for value in KINDS:
        job = {"extends": ".base", "script": ["make"]}
        examine(yaml.safe_dump({keyword: value, "one": job, ".base": {keyword: value}, "default": {keyword: value}}))


@SETTINGS
@given(FILES)
def test_any_structure(content: dict[str, Any]) -> None:
    """Keywords with values of any kind, nested anyhow."""
    examine(yaml.safe_dump(content, sort_keys=False))


@SETTINGS
@given(st.data())
def test_mutated_files(data: st.DataObject) -> None:
    """Files that people write, with lines lost, repeated, moved and changed."""
    lines = data.draw(st.sampled_from(TEXTS)).splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        index = data.draw(st.integers(0, max(len(lines) - 1, 0)))
        line = lines[index] if lines else ""
        match data.draw(st.integers(0, 5)):
            case 0:
                del lines[index : index + 1]
            case 1:
                lines.insert(index, line)
            case 2:
                lines[index : index + 1] = ["  " + line]
            case 3:
                lines[index : index + 1] = [line.partition(":")[0] + ": " + data.draw(st.sampled_from(WORDS))]
            case 4:
                lines[index : index + 1] = [line.strip()]
            case _:
                lines.insert(index, data.draw(st.text(max_size=12)))
    examine("\n".join(lines))


@SETTINGS
@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    """Text that is no CI file at all."""
    examine(text)


@SETTINGS
@given(
    st.lists(st.sampled_from([*"$(){}[]|&;<>'\"`\\ \n=-", "echo", "cat <<E\n", "E\n", "$TOKEN", "curl -H", "set -x"]))
)
def test_any_script(parts: list[str]) -> None:
    """Scripts that no shell would take."""
    examine(yaml.safe_dump({"build": {"script": ["".join(parts), "echo $TOKEN"]}}))
