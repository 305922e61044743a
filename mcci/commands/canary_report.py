"""What a `mcci canary` command leaves behind: reports, messages to webhooks, and proxies that have the weights."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mcci.commands.canary_options import Opened, tell, time_left
from mcci.errors import ExitCode, McciError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcci.canary.facts import Survey
    from mcci.canary.outcome import Outcome
    from mcci.canary.verdict import Look


class End:
    """What is written and told when a command ends, however it ends."""

    def __init__(self, found: Opened, name: str) -> None:
        self.found, self.name = found, name

    def took(self, outcome: Outcome, notice: Any) -> None:
        """Note what a command did."""
        from mcci.canary.report.junit import Case
        from mcci.config.model import Notice

        report = self.found.report
        report.state, report.skew = outcome.state, outcome.skew
        report.cases.append(Case(name=self.name, text="\n".join(outcome.lines)))
        if outcome.look:
            report.judged(outcome.look, "judge")
        if outcome.code is ExitCode.ROLLED_BACK:
            notice = Notice.FAIL
        why = outcome.look.why if outcome.look else ""
        if notice and (outcome.changed or notice is Notice.HOLD):
            tell(self.found, notice, outcome.state, outcome.look.verdict.value if outcome.look else "", why)

    def stayed(self, outcome: Outcome) -> Outcome:
        """Stay with the canary while its weight bakes."""
        from dataclasses import replace

        from mcci import output
        from mcci.canary.actions.watch import stay

        found = self.found
        seconds = min(float(found.settings.bake), time_left())
        output.log(f"judging for {seconds:.0f} s at most, while the weight bakes")
        result = stay(
            found.site, outcome.state, found.judge, seconds, bake=found.settings.bake, seen=found.report.samples.append
        )
        self.name = "bake"
        self.took(result, None)
        changed = outcome.changed or result.changed
        return replace(result, lines=(*outcome.lines, *result.lines), changed=changed, skew=outcome.skew)

    def failed(self, error: McciError) -> None:
        """Note why a command did nothing, or not all."""
        from mcci.canary.clusters.survey import last_state
        from mcci.canary.report.junit import Case, Result
        from mcci.config.model import Notice

        case = Case(name=self.name, result=Result.FAILED, message=str(error).splitlines()[0], text=str(error))
        self.found.report.cases.append(case)
        if self.found.report.state is None and error.exit_code in (ExitCode.ON_HOLD, ExitCode.ROLLED_BACK):
            self.found.report.state = last_state(self.found.site)
        if error.exit_code is ExitCode.ON_HOLD and self.found.report.state is not None:
            tell(self.found, Notice.HOLD, self.found.report.state, "", str(error).splitlines()[0])


@contextmanager
def reported(found: Opened, name: str, dry_run: bool) -> Iterator[End]:
    """Write the report however the command ends."""
    from datetime import UTC, datetime

    end = End(found, name)
    try:
        yield end
    except McciError as error:
        end.failed(error)
        raise
    finally:
        if not dry_run:
            found.report.write(found.folder, datetime.now(UTC))


def seen(found: Opened, outcome: Outcome, *, stays: bool = False) -> Outcome:
    """Wait until proxies have the weights; where none can be asked, and nobody `stays` to judge, until requests do."""
    names = [*found.site.config, *found.site.others]
    urls = [url for name in names for url in found.config.clusters[name].proxies]
    if not urls and (stays or not found.is_judged or not outcome.changed):
        return outcome
    from dataclasses import replace

    from mcci.canary.clusters import observe

    observers: list[observe.Observer] = [observe.Proxy(url=url, namespace=found.site.namespace) for url in urls]
    if not observers:
        requests = observe.Requests(
            metrics=found.metrics, namespace=found.site.namespace, analysis=found.settings.analysis
        )  # fmt: skip
        observers.append(requests)
    return replace(outcome, lines=(*outcome.lines, *observe.wait(observers, outcome.state, found.site.clock)))


def looked(found: Opened, survey: Survey) -> Look | None:
    """Return what the judge says now, without writing it; None where there is nothing to judge."""
    from mcci.canary.state import Phase

    state = survey.state
    if not found.is_judged or state is None or state.phase is not Phase.CANARY or not state.step:
        return None
    return found.judge.look(state, survey.troubles(state.canary), survey.now)
