"""The files that a canary's job leaves in the folder `canary`, which GitLab keeps and reads."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcci.canary import state_json
from mcci.canary.report import chart, junit, links, metrics
from mcci.canary.report.junit import Case, Result
from mcci.canary.verdict import Look, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from mcci.canary.actions.watch import Sample
    from mcci.canary.state import State

FOLDER = "canary"
_RESULTS = {Verdict.PASS: Result.PASSED, Verdict.UNJUDGED: Result.SKIPPED}


@dataclass(slots=True, kw_only=True)
class Report:
    """What a job has to tell, as it becomes known."""

    service: str
    namespace: str
    begun: datetime
    job_url: str = ""
    prometheus: Mapping[str, str] = field(default_factory=dict)
    cases: list[Case] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    state: State | None = None
    look: Look | None = None
    skew: float | None = None

    def judged(self, look: Look, name: str) -> None:
        """Add a verdict."""
        result = _RESULTS.get(look.verdict, Result.FAILED)
        message = f"{look.verdict.value}: {look.why}"
        self.look = look
        self.cases.append(Case(name=name, result=result, message=message, text=look.text or "\n".join(look.reasons)))

    def write(self, folder: Path, now: datetime) -> None:
        """Write the files: JUnit always, the others once the canary's state is known."""
        place = folder / FOLDER
        place.mkdir(exist_ok=True)
        seconds = (now - self.begun).total_seconds()
        _put(place / f"{self.service}.xml", junit.report(self.service, self.cases, self.begun.isoformat(), seconds))
        for name, text in self._known().items():
            _put(place / f"{self.service}{name}", text)

    def _known(self) -> dict[str, str]:
        state = self.state
        if state is None:
            return {}
        evidence: Mapping[str, Any] = self.look.evidence if self.look else {}
        drawn = chart.chart(self.service, chart.points(state, self.samples))
        verdict = self.look.verdict.value if self.look else state.verdict
        shown = {"chart": f"{FOLDER}/{self.service}.svg", "details": f"{FOLDER}/{self.service}.json"}
        told = links.report(state, verdict, self.job_url, self.prometheus, self.namespace, shown)
        return {
            ".svg": drawn,
            ".json": json.dumps(state_json.body(state), indent=2, ensure_ascii=False) + "\n",
            "-metrics.txt": metrics.report(state, evidence, self.skew),
            "-annotations.json": told,
        }


def _put(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
