"""Paths against patterns, as Ruby's `File.fnmatch` with PATHNAME, DOTMATCH and EXTGLOB decides."""

from __future__ import annotations

import pytest

from mcci.pipeline.globs import expand_braces, matches, matches_wildcard

MATCHING = [
    ("Dockerfile", "Dockerfile"),
    ("Docker*", "Dockerfile"),
    ("*", "a"),
    ("*", ".hidden"),
    ("a/*", "a/.hidden"),
    ("**/*", "a"),
    ("**/*", "a/b/c"),
    ("**/*.py", "a.py"),
    ("**/*.py", "a/b.py"),
    ("a/**/b", "a/b"),
    ("a/**/b", "a/x/y/b"),
    ("a/**/*", "a/b/c/d"),
    ("?.md", "a.md"),
    ("[a-c].md", "b.md"),
    ("[!a-c].md", "d.md"),
    ("[^a-c].md", "d.md"),
    ("*.{rb,py}", "x.py"),
    ("{a,b}/{c,d}", "b/c"),
    ("{a,b{c,d}}", "bd"),
    ("a{,b}", "a"),
    (r"\*.md", "*.md"),
    ("a.b", "a.b"),
    ("a+b", "a+b"),
    ("(a)", "(a)"),
    ("**/.github/**/*", "x/.github/y"),
    ("src/**/*.go", "src/gitlab.com/p/p.go"),
]
DIFFERING = [
    ("Dockerfile", "dockerfile"),
    ("*", "a/b"),
    ("*.py", "a/b.py"),
    ("a/*", "a/b/c"),
    ("a/**", "a/b/c"),
    ("/*.go", "main.go"),
    ("?.md", "ab.md"),
    ("?", "/"),
    ("[a-c].md", "d.md"),
    ("[!a-c].md", "a.md"),
    ("a.b", "axb"),
    ("{a,b}", "c"),
    ("{a,b", "a"),
    ("[a", "a"),
    ("a[/]b", "a/b"),
    (r"\*.md", "a.md"),
    ("a/", "a"),
    ("", "a"),
]


@pytest.mark.parametrize(("pattern", "path"), MATCHING)
def test_matches(pattern: str, path: str) -> None:
    """The pattern names the path."""
    assert matches(pattern, path)


@pytest.mark.parametrize(("pattern", "path"), DIFFERING)
def test_does_not_match(pattern: str, path: str) -> None:
    """The pattern does not name the path: a star stays in its folder, letters have their case."""
    assert not matches(pattern, path)


def test_braces_are_bounded() -> None:
    """A pattern that stands for a billion others is cut off, and takes no time."""
    assert len(expand_braces("{a,b}" * 30)) == 1_000


def test_stars_take_linear_time() -> None:
    """Many stars against a long path are decided at once."""
    assert matches("*a" * 300, "a" * 3_000)
    assert not matches("*a" * 300 + "b", "a" * 3_000)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("main", "main", True),
        ("main", "main2", False),
        ("*", "a/b", True),
        ("v*", "v1.0", True),
        ("v*", "1.0", False),
        ("release/*", "release/1/2", True),
        ("*-stable", "1-stable", True),
        ("*-stable", "1-stable-2", False),
        ("a*b*c", "a1b2c", True),
        ("a*b*c", "acb", False),
        ("ab*ba", "aba", False),
        ("review/*", "review", False),
    ],
)
def test_wildcards(pattern: str, text: str, expected: bool) -> None:
    """In protected refs and environment scopes a star stands for anything, slashes too."""
    assert matches_wildcard(pattern, text) is expected
