"""Variables are filled in as GitLab's documentation says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from mcci.pipeline.variables import Variable, expand, expand_all, expand_existing, nested

CORPUS = yaml.safe_load(Path(__file__).with_name("expansions.yml").read_text())
TEXTS = [
    pytest.param(how, text, expected, group["variables"], id=f"{how}-{text}")
    for group in CORPUS
    for how in ("expand", "keep")
    for text, expected in group.get(how, {}).items()
]
CASES: list[dict[str, Any]] = [case for group in CORPUS for case in group.get("all", ())]
COLLECTIONS = [pytest.param(case, id=str(case["given"])) for case in CASES]


@pytest.mark.parametrize(("how", "text", "expected", "variables"), TEXTS)
def test_text(how: str, text: str, expected: str, variables: dict[str, str]) -> None:
    """A text's variables are replaced once; an undefined one leaves nothing, or stays where it must."""
    function = expand if how == "expand" else expand_existing
    assert function(text, variables.get) == expected


@pytest.mark.parametrize("case", COLLECTIONS)
def test_collection(case: dict[str, Any]) -> None:
    """Variables that refer to others get their values, whatever the order; raw ones and circles stay as written."""
    raw = case.get("raw", ())
    given = [Variable(key=key, value=value, raw=key in raw) for key, value in case["given"].items()]
    expanded, error = expand_all(given)
    assert {key: variable.value for key, variable in expanded.items()} == case["values"]
    assert error == case.get("error")


@pytest.mark.parametrize("case", [case for case in CASES if "error" not in case])
def test_one_at_a_time(case: dict[str, Any]) -> None:
    """Looking up one variable gives what expanding all of them would."""
    lookup = nested(case["given"].get, set(case.get("raw", ())).__contains__)
    assert {key: lookup(key) for key in case["given"]} == case["values"]


def test_a_later_definition_wins_and_sees_the_earlier() -> None:
    """Two variables of one name: the later counts, and `$NAME` in it is the earlier one's value."""
    expanded, error = expand_all([Variable(key="PATH", value="/bin"), Variable(key="PATH", value="/opt:$PATH")])
    assert (expanded["PATH"].value, error) == ("/opt:/bin", None)


def test_undefined_kept() -> None:
    """With `keep_undefined` a reference to nothing stays as it is written."""
    expanded, _ = expand_all([Variable(key="A", value="x$NO${NO}%NO%")], keep_undefined=True)
    assert expanded["A"].value == "x$NO${NO}%NO%"


def test_file_variables_may_stay_references() -> None:
    """A file variable's content is put in, unless references to files are to stay for the runner."""
    variables = [Variable(key="F", value="content", file=True), Variable(key="A", value="<$F>")]
    assert expand_all(variables)[0]["A"].value == "<content>"
    assert expand_all(variables, expand_file_references=False)[0]["A"].value == "<$F>"


def test_raw_references_may_stay() -> None:
    """A reference to a raw variable can be left to the runner, which would else expand its value again."""
    variables = [Variable(key="R", value="raw-$A", raw=True), Variable(key="B", value="$R")]
    assert expand_all(variables, expand_raw_references=False)[0]["B"].value == "$R"


def test_ten_thousand_variables_in_a_chain() -> None:
    """A long chain of references takes neither recursion nor quadratic time."""
    chain = [Variable(key=f"V{index}", value=f"$V{index + 1}") for index in range(10_000)]
    expanded, error = expand_all([*chain, Variable(key="V10000", value="end")])
    assert (expanded["V0"].value, error) == ("end", None)


def test_masked_values_hide() -> None:
    """A masked variable never shows its value in a repr."""
    assert "secret" not in repr(Variable(key="TOKEN", value="secret", masked=True))


def test_size() -> None:
    """The corpus holds at least 40 expansions, each group with its source on GitLab's site."""
    assert len(TEXTS) + len(COLLECTIONS) >= 40
    assert all(group["source"].startswith("https://docs.gitlab.com/") for group in CORPUS)
