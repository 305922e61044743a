"""Values keep the place they came from, through includes, extends and merges; hostile text is refused in time."""

from __future__ import annotations

import pytest

from mcci.errors import InvalidInput
from mcci.pipeline.configuration import Configuration, load
from mcci.pipeline.document import Map, read
from mcci.pipeline.files import MemoryFiles, Sources
from mcci.pipeline.includes import Context


class NoWorld:
    """A world in which nothing changed and nothing exists."""

    def changed_paths(self, compare_to: str | None) -> tuple[str, ...] | None:
        return ()

    def existing_paths(self, project: str | None, ref: str | None) -> tuple[str, ...]:
        return ()


def loaded(**texts: str) -> Configuration:
    """Return the configuration of these files; `main` is the first."""
    files = MemoryFiles({f"{name}.yml": text for name, text in texts.items()})
    return load(Sources(local=files), "main.yml", Context(world=NoWorld()))


def test_a_merged_job_knows_each_keywords_line() -> None:
    """A job made of an included file, a base and itself says for each keyword where it stands."""
    configuration = loaded(
        main="include: other.yml\njob:\n  extends: .base\n  image: own\n",
        other=".base:\n  script: [x]\n  variables:\n    A: b\njob:\n  stage: test\n  variables:\n    B: c\n",
    )
    keywords = configuration.jobs["job"].keywords
    found = {key: str(keywords.position(key)) for key in ("image", "script", "stage", "extends")}
    assert found == {
        "image": "main.yml:4:3",
        "script": "other.yml:2:3",
        "stage": "other.yml:6:3",
        "extends": "main.yml:3:3",
    }
    assert str(keywords["variables"].position("A")) == "other.yml:4:5"
    assert str(keywords["variables"].position("B")) == "other.yml:8:5"
    assert str(configuration.jobs["job"].position) == "main.yml:2:1"


def test_a_finding_points_at_the_word() -> None:
    """What is wrong is found at its line and column, in the file where it stands."""
    configuration = loaded(main="include: other.yml\n", other="job:\n  script: x\n  needs:\n    - a\n    - nowhere\n")
    assert [str(finding.position) for finding in configuration.findings] == ["other.yml:4:7", "other.yml:5:7"]


def test_lines_hold_below_a_header() -> None:
    """A file with a header, its inputs filled in, has the lines that its author sees."""
    configuration = loaded(
        main="spec:\n  inputs:\n    a: {default: x}\n---\njob:\n  script: $[[ inputs.a ]]\n  stag: y\n"
    )
    assert [str(finding.position) for finding in configuration.findings] == ["main.yml:7:3"]
    assert configuration.jobs["job"].keywords["script"] == "x"


def test_merge_keys() -> None:
    """`<<` brings what the mapping does not say; of several the first wins."""
    (document,) = read("a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], x: 0}\n", "f")
    assert isinstance(document, Map)
    assert document["c"] == {"x": 0, "y": 1, "z": 2}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("[" * 100_000, "yaml-depth"),
        ("- " * 100_000, "yaml-depth"),
        ("{a: " * 50_000, "yaml-depth"),
        ('["]", ' * 50_000, "yaml-depth"),
        ("a: &a [*a]", "yaml-alias"),
        ("a: !unknown 1", "yaml-tag"),
        ("a: 'b", "yaml-syntax"),
        ("a:\n\tb: 1", "yaml-syntax"),
        ("\x00", "yaml-syntax"),
        ("? {a: 1}\n: 2", "yaml-key"),
        ("a: &a {b: 1}\nc: {<<: 1}", "yaml-merge"),
        ("a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
            f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 10)}]\n" for i in range(9)
        ), "yaml-size"),
    ],
    ids=lambda value: value[:20],
)  # fmt: skip
def test_hostile_text(text: str, rule: str) -> None:
    """What would crash or fill memory is refused with a position."""
    with pytest.raises(InvalidInput) as raised:
        read(text, "f")
    assert [finding.rule for finding in raised.value.findings] == [rule]


def test_brackets_in_many_scripts_are_no_depth() -> None:
    """Thousands of brackets side by side, unbalanced in quotes too, are read."""
    text = "".join(f"j{index}: {{script: ['printf \"[31m\"', '[ x ] ]']}}\n" for index in range(6_000))
    (document,) = read(text, "f")
    assert isinstance(document, Map)
    assert len(document) == 6_000


def test_expanding_is_bounded() -> None:
    """A hundred thousand nested variables' worth of text, or includes of includes, end in a finding or a cut."""
    assert loaded(main="include: [main.yml, main.yml]\njob: {script: x}\n").findings[0].rule == "include-limit"
    header = "spec: {inputs: {x: {default: " + "y" * 10_000 + "}}}\n---\n"
    configuration = loaded(main=header + "job: {script: '" + "$[[ inputs.x ]]" * 1_000 + "'}\n")
    assert [finding.rule for finding in configuration.findings] == ["inputs"]
