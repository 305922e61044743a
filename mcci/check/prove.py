"""The proofs as a whole: what they find that no rule has said already."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from mcci.check.proofs import PROOFS
from mcci.check.subject import Subject
from mcci.findings import Finding

# A rule that looks at a job's text, by the proof that would say the same again.
_SAME: Mapping[str, frozenset[str]] = {
    "needs-dangling": frozenset(("needs-never-together", "needs-missing-job")),
    "production-unguarded": frozenset(("production-not-manual",)),
    "cluster-write-unlocked": frozenset(("production-resource-group",)),
    "job-unreachable": frozenset(("child-never-runs",)),
}
_JOB = re.compile(r"job '([^']*)'")


def prove(subject: Subject, said: Iterable[Finding] = ()) -> list[Finding]:
    """Return what the proofs find, but for what the rules have `said` of the same job."""
    return list(unsaid(proved(subject), said))


def proved(subject: Subject) -> list[Finding]:
    """Return all that the proofs find."""
    return [finding for proof in PROOFS for finding in proof.check(subject)]


def unsaid(found: Iterable[Finding], said: Iterable[Finding]) -> Iterator[Finding]:
    """Yield what proofs `found`, but for what the rules have `said` of the same job."""
    known = {(finding.rule, _job(finding)) for finding in said}
    for finding in found:
        same = _SAME.get(finding.rule, frozenset())
        if not any((rule, _job(finding)) in known for rule in same):
            yield finding


def _job(finding: Finding) -> str:
    found = _JOB.search(finding.message)
    return found[1] if found else ""
