"""The proofs as `mcci check` runs and shows them: of what mcci generates always, of other files when asked."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mcci.check.proofs.coverage import Coverage
    from mcci.check.subject import Subject
    from mcci.findings import Finding


class Proofs:
    """The proofs of one run of the command; `asked` for by the user, they are told of too."""

    def __init__(self, *, asked: bool) -> None:
        self.asked = asked
        self.seconds = 0.0
        self.covered: list[Coverage] = []
        self.broken: set[str] = set()
        self.found: dict[Finding, str] = {}

    def check(self, subject: Subject) -> list[Finding]:
        """Return what the rules find in a subject, and the proofs, where they are run."""
        from mcci import check as checks
        from mcci.check.prove import with_events

        if not self.asked and not subject.context.causes:
            return checks.check(subject)
        found = checks.check(subject, self._prove)
        if self.asked:
            from mcci.check.proofs.coverage import coverage
            from mcci.check.proofs.proving import proving

            self.covered += coverage(proving(subject))
        return list(with_events(found, self.found))

    def _prove(self, subject: Subject, said: Sequence[Finding]) -> list[Finding]:
        from mcci.check.prove import proved, unsaid

        begin = perf_counter()
        found = proved(subject)
        self.seconds += perf_counter() - begin
        self.broken.update(finding.rule for finding in found)
        self.found = found
        return list(unsaid(found, said))

    def object_to(self, findings: Iterable[Finding]) -> bool:
        """Say whether proofs that were asked for found something, or left it open, that nobody chose to ignore."""
        from mcci.check.proofs import PROOFS

        proofs = {proof.RULE.id for proof in PROOFS}
        return self.asked and any(finding.rule in proofs for finding in findings)

    def lines(self) -> list[str]:
        """Return what was covered, for people; nothing where it was not asked for."""
        from mcci.check.proofs import PROMISES, report

        return report.lines(self.covered, self.broken, PROMISES, self.seconds) if self.asked else []

    def document(self) -> dict[str, Any]:
        """Return what was covered, for programs, under `proofs`; nothing where it was not asked for."""
        from mcci.check.proofs import PROMISES, report

        if not self.asked:
            return {}
        return {"proofs": report.document(self.covered, self.broken, PROMISES, self.seconds)}
