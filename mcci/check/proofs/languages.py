"""Which texts a set of patterns tells apart: for each combination of matches and misses the shortest text that has it.

The patterns run side by side as automata, so that a combination that is not found does not exist. Texts are of
printable ASCII; what the automata say is held against the real matcher by those who ask.
"""

from __future__ import annotations

import re
import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any, TypeAlias

MAX_STATES = 20_000
_FIRST, _LAST = 0x20, 0x7E
_NICE = "xabcdefghijklmnopqrstuvwyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_./"
_CATEGORIES = {
    "CATEGORY_DIGIT": ("0-9", False),
    "CATEGORY_NOT_DIGIT": ("0-9", True),
    "CATEGORY_WORD": ("0-9A-Z_a-z", False),
    "CATEGORY_NOT_WORD": ("0-9A-Z_a-z", True),
    "CATEGORY_SPACE": (" ", False),
    "CATEGORY_NOT_SPACE": (" ", True),
}
Characters: TypeAlias = "frozenset[str]"
_PRINTABLE: Characters = frozenset(map(chr, range(_FIRST, _LAST + 1)))
_BEGIN, _END = "begin", "end"


class Unsupported(Exception):
    """A pattern that is not understood here, so that nothing can be proved of what it matches."""


class Automaton:
    """A pattern searched for in a text: states with edges, each over some characters or, empty, under a condition."""

    def __init__(self, regex: str, *, whole: bool = False, ignore_case: bool = False) -> None:
        self.edges: list[list[tuple[Characters, int]]] = []
        self.empty: list[list[tuple[str, int]]] = []
        self.start, self.end = self._state(), self._state()
        if not whole:
            self.edges[self.start].append((_PRINTABLE, self.start))
        begin, last = self._state(), self._state()
        self.empty[self.start].append(("", begin))
        self.empty[last].append((_END if whole else "", self.end))
        if not whole:
            self.edges[self.end].append((_PRINTABLE, self.end))
        self._ignore_case = ignore_case
        self._sequence(_parsed(regex), begin, last)

    def _state(self) -> int:
        self.edges.append([])
        self.empty.append([])
        if len(self.edges) > MAX_STATES:
            raise Unsupported("the pattern is too large")
        return len(self.edges) - 1

    def _sequence(self, items: Iterable[Any], at: int, to: int) -> None:
        for operator, argument in items:
            following = self._state()
            self._item(str(operator), argument, at, following)
            at = following
        self.empty[at].append(("", to))

    def _item(self, operator: str, argument: Any, at: int, to: int) -> None:
        match operator:
            case "LITERAL" | "NOT_LITERAL" | "IN" | "ANY":
                self.edges[at].append((self._characters(operator, argument), to))
            case "BRANCH":
                for option in argument[1]:
                    self._sequence(option, at, to)
            case "SUBPATTERN":
                _, added, removed, inner = argument
                before = self._ignore_case
                self._ignore_case = (before or bool(added & re.IGNORECASE)) and not removed & re.IGNORECASE
                self._sequence(inner, at, to)
                self._ignore_case = before
            case "MAX_REPEAT" | "MIN_REPEAT":
                least, most, inner = argument
                self._repeat((least, most), inner, at, to)
            case "AT" if str(argument) in ("AT_BEGINNING", "AT_BEGINNING_STRING"):
                self.empty[at].append((_BEGIN, to))
            case "AT" if str(argument) in ("AT_END", "AT_END_STRING"):
                self.empty[at].append((_END, to))
            case _:
                raise Unsupported(f"the pattern has {operator.lower()}")

    def _repeat(self, times: tuple[int, Any], inner: Any, at: int, to: int) -> None:
        least, most = times
        for _ in range(least):
            following = self._state()
            self._sequence(inner, at, following)
            at = following
        if most is _constants.MAXREPEAT:
            loop = self._state()
            self.empty[at].append(("", loop))
            self._sequence(inner, loop, loop)
            self.empty[loop].append(("", to))
            return
        for _ in range(most - least):
            self.empty[at].append(("", to))
            following = self._state()
            self._sequence(inner, at, following)
            at = following
        self.empty[at].append(("", to))

    def _characters(self, operator: str, argument: Any) -> Characters:
        if operator == "ANY":
            return _PRINTABLE
        items = argument if operator == "IN" else [(_constants.LITERAL, argument)]
        negated = operator == "NOT_LITERAL" or (items and str(items[0][0]) == "NEGATE")
        found: set[str] = set()
        for kind, value in items:
            found |= _members(str(kind), value)
        if self._ignore_case:
            found |= {other for one in found for other in (one.lower(), one.upper())}
        return _PRINTABLE - found if negated else _PRINTABLE & found

    def first(self) -> frozenset[int]:
        """Return the states before the first character."""
        return self._closed({self.start}, _BEGIN)

    def step(self, states: frozenset[int], character: str) -> frozenset[int]:
        """Return the states after one more character."""
        return self._closed({to for state in states for over, to in self.edges[state] if character in over}, "")

    def accepts(self, states: frozenset[int], *, empty: bool) -> bool:
        """Say whether the text so far, empty or not, matches."""
        return self.end in self._closed(set(states), _BEGIN if empty else "", _END)

    def _closed(self, states: set[int], *conditions: str) -> frozenset[int]:
        waiting = list(states)
        while waiting:
            for condition, to in self.empty[waiting.pop()]:
                if to not in states and (not condition or condition in conditions):
                    states.add(to)
                    waiting.append(to)
        return frozenset(states)


def _parsed(regex: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return _parser.parse(regex)
    except (re.error, Warning, OverflowError, RecursionError) as error:
        raise Unsupported(f"the pattern is of another dialect: {error}") from error


def _members(kind: str, value: Any) -> set[str]:
    match kind:
        case "NEGATE":
            return set()
        case "LITERAL" | "NOT_LITERAL":
            return {chr(value)}
        case "RANGE":
            return {chr(code) for code in range(max(value[0], _FIRST), min(value[1], _LAST) + 1)}
        case "CATEGORY" if str(value) in _CATEGORIES:
            ranges, negated = _CATEGORIES[str(value)]
            inside = {character for character in _PRINTABLE if re.fullmatch(f"[{ranges}]", character)}
            return set(_PRINTABLE) - inside if negated else inside
        case _:
            raise Unsupported(f"the pattern has {kind.lower()}")


@lru_cache(maxsize=4096)
def automaton(regex: str, *, whole: bool = False, ignore_case: bool = False) -> Automaton:
    """Return the automaton of a regular expression, searched for, or for the `whole` text. Raises `Unsupported`."""
    return Automaton(regex, whole=whole, ignore_case=ignore_case)


def of_pattern(source: str) -> Automaton:
    """Return the automaton of a `/…/flags` of GitLab's expressions. Raises `Unsupported`."""
    body, _, flags = source.strip().removeprefix("/").rpartition("/")
    return automaton(body.replace("\\/", "/"), ignore_case="i" in flags)


def of_globs(patterns: Sequence[str]) -> Automaton:
    """Return the automaton of the paths that one of some glob patterns, without braces, names."""
    return automaton("|".join(f"(?:{_glob(pattern)})" for pattern in patterns), whole=True)


_GLOB = re.compile(
    r"(?P<folders>(?:(?<=/)|^)(?:\*\*/)+)|(?P<stars>\*+)|(?P<one>\?)|\[(?P<set>[^\]]+)\]|\\?(?P<text>.)", re.S
)


def _glob(pattern: str) -> str:
    parts: list[str] = []
    for found in _GLOB.finditer(pattern):
        if found["folders"]:
            parts.append("(?:[^/]+/)*")
        elif found["stars"]:
            parts.append("[^/]*")
        elif found["one"]:
            parts.append("[^/]")
        elif found["set"]:
            body = found["set"].replace("\\", "\\\\")
            parts.append(f"[^/{body[1:]}]" if body[0] in "!^" else f"[{body}]")
        else:
            parts.append(re.escape(found["text"]))
    return "".join(parts)


def texts(automata: Sequence[Automaton]) -> dict[tuple[bool, ...], str]:
    """Return, for every combination of which automata match, the shortest text that has it. Raises `Unsupported`."""
    found: dict[tuple[bool, ...], str] = {}
    for word, matched in _texts(automata):
        found.setdefault(matched, word)
    return found


def first_text(wanted: Automaton, unwanted: Automaton | None = None) -> str | None:
    """Return the shortest text that one automaton takes and the other does not, or None when there is none."""
    both = [wanted] if unwanted is None else [wanted, unwanted]
    return next((word for word, matched in _texts(both) if matched[0] and not any(matched[1:])), None)


def _texts(automata: Sequence[Automaton]) -> Iterator[tuple[str, tuple[bool, ...]]]:
    """Yield texts, shorter ones first, until each state that the automata can be in together was met."""
    alphabet = _alphabet(automata)
    first = tuple(each.first() for each in automata)
    seen = {first}
    waiting = deque([("", first)])
    while waiting:
        word, states = waiting.popleft()
        yield (
            word,
            tuple(each.accepts(state, empty=not word) for each, state in zip(automata, states, strict=True)),
        )
        for character in alphabet:
            following = tuple(each.step(state, character) for each, state in zip(automata, states, strict=True))
            if following not in seen:
                seen.add(following)
                waiting.append((word + character, following))
                if len(seen) > MAX_STATES:
                    raise Unsupported("the patterns are too many or too large to be told apart")


def _alphabet(automata: Sequence[Automaton]) -> list[str]:
    """Return one character for each set of characters that no edge tells apart, the nicest of it."""
    sets = {over for each in automata for edges in each.edges for over, _ in edges}
    classes: dict[frozenset[Characters], str] = {}
    for character in [*_NICE, *sorted(_PRINTABLE.difference(_NICE))]:
        classes.setdefault(frozenset(over for over in sets if character in over), character)
    return list(classes.values())
