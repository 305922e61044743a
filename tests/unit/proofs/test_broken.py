"""A promise does not hold either when a rule has said first what its proof would say."""

from __future__ import annotations

from mcci.check.prove import broken
from mcci.findings import Finding, Position


def test_said_by_a_rule() -> None:
    """A deployment to production that is not manual breaks the promise that production is guarded."""
    finding = Finding(rule="production-not-manual", message="job 'a' deploys.", position=Position(file="a.yml"))
    assert "production-unguarded" in broken([finding])


def test_nothing_found() -> None:
    """Without a finding every promise holds."""
    assert broken([]) == frozenset()
