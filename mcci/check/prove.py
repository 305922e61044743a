"""The proofs as a whole: what they find that no rule has said already, and the events that show what rules said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from mcci.check.proofs import PROOFS
from mcci.check.proofs.proving import proving
from mcci.check.subject import Subject
from mcci.findings import Finding

# Rules that look at a job's text, by the proof that would say the same again.
_SAME: Mapping[str, frozenset[str]] = {
    "needs-dangling": frozenset(("needs-never-together", "needs-missing-job")),
    "production-unguarded": frozenset(("production-not-manual",)),
    "cluster-write-unlocked": frozenset(("production-resource-group",)),
    "job-unreachable": frozenset(("child-never-runs",)),
    "two-pipelines": frozenset(("duplicate-pipelines",)),
}
_JOB = re.compile(r"job '([^']*)'")


def prove(subject: Subject, said: Iterable[Finding] = ()) -> list[Finding]:
    """Return what the proofs find, but for what the rules have `said` of the same job."""
    return list(unsaid(proved(subject), said))


def proved(subject: Subject) -> dict[Finding, str]:
    """Return all that the proofs find, each with the event that shows it, in words ("" where there is none)."""
    found = [finding for proof in PROOFS for finding in proof.check(subject)]
    shown = proving(subject).shown
    return {finding: shown.get(finding, "") for finding in found}


def unsaid(found: Iterable[Finding], said: Iterable[Finding]) -> Iterator[Finding]:
    """Yield what proofs `found`, but for what the rules have `said` of the same job."""
    known = {(finding.rule, _job(finding)) for finding in said}
    for finding in found:
        if not any((rule, _job(finding)) in known for rule in _SAME.get(finding.rule, ())):
            yield finding


def with_events(said: Iterable[Finding], found: Mapping[Finding, str]) -> Iterator[Finding]:
    """Yield what rules have `said`, with the event that shows it where a proof found the same of the same job."""
    events = {(rule, _job(each)): shown for each, shown in found.items() for rule in _SAME.get(each.rule, ())}
    for finding in said:
        shown = events.get((finding.rule, _job(finding)))
        yield replace(finding, help=f"{finding.help} {shown}".lstrip()) if shown else finding


def _job(finding: Finding) -> str:
    found = _JOB.search(finding.message)
    return found[1] if found else ""
