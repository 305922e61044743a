"""The texts that patterns tell apart: what the automata say is what the real matchers say, and nothing is left out."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcci.check.proofs import languages
from mcci.check.proofs.witness import file_between
from mcci.pipeline.expressions.patterns import pattern_of
from mcci.pipeline.globs import expand_braces, matches
from tests.tools.examples import examples

PATTERNS = ("/^a/", "/b$/", "/^[ab]+$/", "/a.c/", "/^(?:ab|ba)*$/", "/^a{2,3}$/", "/B/i", "/^$/", "/[^a]/", "/^\\w+$/")
GLOBS = ("a/**/*", "a/*", "**/b", "a*", "*/b", "{a,b}/*", "a/[ab]", "?", "**/*", "a/b", "a/**/b", "[!a]")
SHORT = ["".join(text) for length in range(4) for text in product("abc ", repeat=length)]
PATHS = ["".join(text) for length in range(1, 5) for text in product("ab/", repeat=length)]


@settings(deadline=None, max_examples=examples(30))
@given(st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=3, unique=True))
def test_every_combination(sources: list[str]) -> None:
    """Each found text matches as said, and every combination that a short text has is found."""
    patterns = [pattern for source in sources if (pattern := pattern_of(source)) is not None]
    found = languages.texts([languages.of_pattern(source) for source in sources])
    for matched, text in found.items():
        assert tuple(pattern.matches(text) for pattern in patterns) == matched
    assert {tuple(pattern.matches(text) for pattern in patterns) for text in SHORT} <= set(found)


def test_shortest() -> None:
    """The text found for a combination is the shortest there is."""
    found = languages.texts([languages.of_pattern("/^release-\\d+$/"), languages.of_pattern("/9/")])
    assert len(found[True, False]) == len("release-0")
    assert found[True, True] == "release-9"


def test_impossible() -> None:
    """A combination that no text has is not found."""
    found = languages.texts([languages.of_pattern("/^ab/"), languages.of_pattern("/^a/")])
    assert (True, False) not in found
    assert set(found) == {(True, True), (False, True), (False, False)}


@pytest.mark.parametrize("source", ["/\\bmain/", "/\\pL/", "/[[:alpha:]]/"])
def test_unsupported(source: str) -> None:
    """A pattern that is not understood is refused, never guessed at."""
    with pytest.raises(languages.Unsupported):
        languages.of_pattern(source)


def test_too_large() -> None:
    """A pattern with a very large count is refused before it costs."""
    with pytest.raises(languages.Unsupported):
        languages.of_pattern("/^(?:a{500}){500}$/")


@settings(deadline=None, max_examples=examples(60))
@given(
    st.sets(st.sampled_from(GLOBS), min_size=1, max_size=2),
    st.sets(st.sampled_from(GLOBS), max_size=2),
)
def test_file_between(wanted: set[str], unwanted: set[str]) -> None:
    """A path found is one that the wanted patterns name and the unwanted do not; where none is found there is none."""
    found = file_between(frozenset(wanted), frozenset(unwanted))

    def fits(path: str) -> bool:
        return any(matches(each, path) for each in wanted) and not any(matches(each, path) for each in unwanted)

    assert found is None or fits(found)
    if found is None:
        assert not any(map(fits, PATHS))


@given(st.sampled_from(GLOBS), st.sampled_from(PATHS))
def test_glob(pattern: str, path: str) -> None:
    """The automaton of a glob takes the paths that GitLab's matcher takes."""
    automaton = languages.of_globs(expand_braces(pattern))
    states = automaton.first()
    for character in path:
        states = automaton.step(states, character)
    assert automaton.accepts(states, empty=False) is matches(pattern, path)
