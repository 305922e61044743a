"""Parent files that differ between the branches: the branch that lags behind runs other rules than it should."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.check.words import listing
from mcci.findings import Finding, Position, Severity

RULE = Rule(
    id="parents-differ",
    summary="A file that all branches share differs between them.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/pipelines/downstream_pipelines/",
)
SHARED = (".gitlab-ci.yml", "mcci.yml")


def check(subject: Subject) -> Iterator[Finding]:
    """Compare each shared file of every branch with the first branch's, at the first line that differs."""
    for name in SHARED:
        texts = {branch: files[name] for branch, files in subject.branches.items() if name in files}
        missing = [branch for branch in subject.branches if branch not in texts]
        if texts and missing:
            message = f"'{name}' is missing on {listing(missing)}, and there on {listing(texts)}"
            yield RULE.finding(Position(file=f"{missing[0]}/{name}"), message, "Run 'mcci sync'.")
        first = next(iter(texts), "")
        for branch, text in texts.items():
            if text != texts[first]:
                line = _first_difference(texts[first], text)
                position = Position(file=f"{branch}/{name}", line=line)
                message = f"'{name}' differs between the branches {first} and {branch}, first on line {line}"
                yield RULE.finding(position, message, "Run 'mcci sync'.")


def _first_difference(one: str, other: str) -> int:
    pairs = zip_longest(one.splitlines(), other.splitlines())
    return next((number for number, (a, b) in enumerate(pairs, 1) if a != b), 1)
