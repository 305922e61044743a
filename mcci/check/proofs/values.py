"""Which values of a variable the rules can tell apart: one for each way in which they can answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from mcci.check.proofs import languages
from mcci.check.proofs.space import TooMany
from mcci.check.proofs.usage import Asked
from mcci.pipeline.expressions.patterns import Pattern

MAX_PATTERNS = 12
_REF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_+#@=,%./-]*")
_REF_REGEX = r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?(/[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?)*"
_USUAL = ("1", "true", "yes", "other", "something")
SOURCES = ("feature", "topic", "fix/1", "release/1.0", "v1.0.0", "1.0.0")
TARGETS = ("integration", *SOURCES[1:])


def of_variable(asked: Asked) -> tuple[str | None, ...]:
    """Return the values of a variable that a person may set: None (not set), those asked for, others, the empty one.

    Raises `Unsupported` or `TooMany` when the patterns cannot be told apart.
    """
    values = dict.fromkeys([*asked.texts, *_matching(asked, None), _other(asked, _USUAL), ""])
    if asked.whole:
        return (None, *values)
    return (None, *_told_apart(values, asked))


def of_refs(asked: Asked, known: Sequence[str], usual: Sequence[str]) -> tuple[str, ...]:
    """Return names of branches and tags: the `known` ones, those asked for, and others (`usual` ones, where they do).

    Raises `Unsupported` or `TooMany` when the patterns cannot be told apart.
    """
    texts = [text for text in asked.texts if _REF.fullmatch(text)]
    taken = Asked(dict.fromkeys([*asked.texts, *known]), asked.patterns)
    first = _other(taken, usual)
    others = [each for each in (first, *usual) if each not in taken.texts]
    named = dict.fromkeys([*known, *texts])
    told = _told_apart([*others, *_matching(asked, _REF_REGEX)], Asked({}, asked.patterns))
    return tuple(dict.fromkeys([*named, *(each for each in told if each not in named)]))


def _matching(asked: Asked, of: str | None) -> list[str]:
    """Return, for each combination of patterns that match, the shortest text, of the form `of` where given."""
    patterns = list(asked.patterns)
    if not patterns:
        return []
    if len(patterns) > MAX_PATTERNS:
        raise TooMany(f"{len(patterns)} patterns for one variable")
    automata = [languages.of_pattern(pattern.source) for pattern in patterns]
    form = [languages.automaton(of, whole=True)] if of is not None else []
    found = languages.texts([*automata, *form])
    for matched, text in found.items():
        real = tuple(pattern.matches(text) for pattern in patterns)
        if real != matched[: len(patterns)]:
            raise languages.Unsupported("a pattern means something else to GitLab than to this proof")
    return [text for matched, text in found.items() if all(matched[len(patterns) :])]


def _told_apart(values: Iterable[str], asked: Asked) -> list[str]:
    answers: dict[tuple[object, ...], str] = {}
    for value in values:
        same = value if value in asked.texts else None
        answers.setdefault((same, value == "", value.strip() == "", *_matches(asked.patterns, value)), value)
    return list(answers.values())


def _matches(patterns: Iterable[Pattern], value: str) -> list[bool]:
    return [pattern.matches(value) for pattern in patterns]


def _other(asked: Asked, usual: Sequence[str]) -> str:
    """Return a text that no rule asks for: none of the texts, and where there is one, of no pattern."""
    fits: list[Callable[[str], bool]] = [
        lambda text: text not in asked.texts and not any(_matches(asked.patterns, text)),
        lambda text: text not in asked.texts,
    ]
    candidates = [*usual, *(f"{usual[0]}{number}" for number in range(2, len(asked.texts) + 3))]
    return next(text for fit in fits for text in candidates if fit(text))
