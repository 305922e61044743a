"""The rules that look across the keys of `mcci.yml`, and the words that several of them use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.config.read import shown
from mcci.config.scalars import advice
from mcci.findings import Finding, Position

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from mcci.config.keys import Marks
    from mcci.config.model import Config


def problem(rule: str, message: str, position: Position, help_: str = "") -> Finding:
    """Return a finding of the rule `config-…`."""
    return Finding(rule=f"config-{rule}", message=message, position=position, help=help_)


def unknown(kind: str, name: str, known: Collection[str], position: Position, otherwise: str = "") -> Finding:
    """Return what to say about a name of nothing that the file describes."""
    return problem(f"unknown-{kind}", f"there is no {kind} '{shown(name)}'.", position, advice(name, known, otherwise))


def known_clusters(config: Config, names: Collection[str], marks: Marks, key: str) -> Iterator[Finding]:
    """Yield a finding for each of `names`, listed under `key`, that is no cluster."""
    for number, name in enumerate(names):
        if name not in config.clusters:
            yield unknown("cluster", name, config.clusters, marks.item(key, number))


def distinct(names: Mapping[str, str], places: Mapping[str, Position], kind: str) -> Iterator[Finding]:
    """Yield a finding for each of `names` (key → name) that another key has already."""
    seen: dict[str, str] = {}
    for key, name in names.items():
        other = seen.setdefault(name, key)
        if other != key:
            message = f"'{other}' and '{key}' are the same {kind} '{shown(name)}'."
            yield problem("distinct", message, places[key], "Give one of them another name.")


def outside(path: str, position: Position) -> Iterator[Finding]:
    """Yield a finding when `path`, relative to the repository's root, leads out of it."""
    depth = 0
    for part in path.split("/"):
        depth += {"..": -1, ".": 0, "": 0}.get(part, 1)
        if depth < 0:
            break
    if depth < 0 or path.startswith("/"):
        message = f"'{shown(path)}' lies outside the repository."
        yield problem("outside", message, position, "Give a path below the repository's root.")
