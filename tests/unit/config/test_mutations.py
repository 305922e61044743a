"""Hypothesis breaks valid files 2,000 times: mcci either reads them or says where they are wrong."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcci.config.load import load
from mcci.errors import InvalidInput
from tests.tools.examples import examples

SEEDS = {path.stem: path.read_bytes() for path in sorted((Path(__file__).parent / "seeds").iterdir())}
TOKENS = [
    b"\t", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\r", b"\n", b": ", b"- ", b"? ", b"&a ", b"*a ", b"*api ", b"<<: ",
    b"<<: *api\n", b"!!int ", b"!!bool ", b"!!null ", b"!x ", b"!", b"%YAML 1.1\n---\n", b"%TAG ! x\n---\n", b"---\n",
    b"...\n", b"'", b'"', b"[", b"]", b"{", b"}", b",", b"|\n", b">-\n", b"#", b"\\", b'"\\ud800"', b'"\\e"', b"~",
    b"null", b"_", b"__", b"0b2", b"0x", b"1e999", b".nan", b"-", b"=", b"off", b"9" * 5000, b" " * 40, b"[" * 60,
    b"..", b"/", b"$", "ä\u2028\U0001f600".encode(),
]  # fmt: skip
LINE = re.compile(r"mcci\.yml:(\d+):(\d+): \S.*[.?] \[config-[a-z-]+\]")
ODD: list[Any] = [
    None, True, False, 0, -1, 1, 101, 10**30, 1.5, float("nan"), float("inf"), "", "x", "X Y", "off", "10m", "a/b",
    "../x", "\x1b", "\u2028", "x" * 300, [], [None], ["x", "x"], [["x"]], {}, {"x": 1}, {"": None}, {"name": "x"},
    {"marks": {}},
]  # fmt: skip
MANY = settings(max_examples=examples(350), deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def survives(data: bytes) -> None:
    """Read `data`: it is right, or each line of the refusal names a place in it."""
    message = refusal(data)
    lines = re.split(rb"\r\n|\r|\n|\xc2\x85|\xe2\x80[\xa8\xa9]", data)
    for each in message.split("\n") if message is not None else ():
        match = LINE.fullmatch(each)
        assert match, each
        assert 1 <= int(match.group(1)) <= len(lines)


def refusal(data: bytes) -> str | None:
    """Return what mcci says about `data`; None when it is right."""
    try:
        load(data)
    except InvalidInput as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", SEEDS)
def test_seeds_are_valid(name: str) -> None:
    """What is mutated below is right to begin with."""
    assert refusal(SEEDS[name]) is None


@MANY
@given(
    st.sampled_from(list(SEEDS.values())),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), st.sampled_from(TOKENS)), min_size=1, max_size=4),
)
def test_bytes(seed: bytes, edits: list[tuple[float, int, bytes]]) -> None:
    """Bytes are cut out and others put in."""
    data = seed
    for place, cut, token in edits:
        start = int(place * len(data))
        data = data[:start] + token + data[start + cut :]
    survives(data)


@MANY
@given(st.data())
def test_structure(data: st.DataObject) -> None:
    """Values are replaced, keys renamed, and parts of the file copied to other places."""
    config = copy.deepcopy(PARSED[data.draw(st.sampled_from(sorted(SEEDS)))])
    for _ in range(data.draw(st.integers(1, 3))):
        places = list(_places(config))
        holder, key = data.draw(st.sampled_from(places))
        other, other_key = data.draw(st.sampled_from(places))
        match data.draw(st.sampled_from(["odd", "copy", "rename"])):
            case "odd":
                holder[key] = copy.deepcopy(data.draw(st.sampled_from(ODD)))
            case "copy":
                holder[key] = copy.deepcopy(other[other_key])
            case _ if isinstance(holder, dict):
                holder[data.draw(st.sampled_from(["x", "X", "name", "marks", "1", "clusters", "canary"]))] = holder.pop(
                    key
                )
            case _:
                holder[key] = None
    survives(json.dumps(config, ensure_ascii=False).encode())


def _places(node: Any) -> Any:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, each in items:
        yield node, key
        yield from _places(each)


PARSED = {name: yaml.safe_load(data) for name, data in SEEDS.items()}
