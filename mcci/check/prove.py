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
    "two-pipelines": frozenset(("duplicate-pipelines",)),
}
_JOB = re.compile(r"job '([^']*)'")


def prove(subject: Subject, said: Iterable[Finding] = ()) -> Iterator[Finding]:
    """Yield what the proofs find, but for what the rules have `said` of the same job."""
    known = {(finding.rule, _job(finding)) for finding in said}
    rules = {rule for rule, _ in known}
    for proof in PROOFS:
        same = _SAME.get(proof.RULE.id, frozenset())
        for finding in proof.check(subject):
            job = _job(finding)
            if not any((rule, job) in known or (not job and rule in rules) for rule in same):
                yield finding


def broken(findings: Iterable[Finding]) -> frozenset[str]:
    """Return the promises that do not hold: those whose proof found something, or would if no rule had said it."""
    rules = {finding.rule for finding in findings}
    return frozenset(rules | {proof for proof, same in _SAME.items() if same & rules})


def _job(finding: Finding) -> str:
    found = _JOB.search(finding.message)
    return found[1] if found else ""
