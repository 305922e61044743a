"""What every `mcci canary` command takes, and what it is turned into: an open site, a judge, a report."""

from __future__ import annotations

import getpass
import os
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mcci.cli import config_option, format_option

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mcci.canary.clusters.site import Site
    from mcci.canary.outcome import Outcome
    from mcci.canary.report.files import Report
    from mcci.canary.verdict import Judge
    from mcci.config.canary import Canary
    from mcci.config.model import Config, Notice

Decorated = TypeVar("Decorated", bound="Callable[..., object]")
DEADLINE = 20.0  # seconds for one call of a cluster's API: a step must have time to take itself back
MARGIN = 180.0  # seconds of a job's time that are kept for rolling back
_without = click.option(
    "--without", metavar="CLUSTER", multiple=True, envvar="MCCI_WITHOUT", show_envvar=True,
    help="Go on without a lost cluster; recorded. More than once for several.",
)  # fmt: skip
_force = click.option(
    "--force", is_flag=True, envvar="MCCI_FORCE", show_envvar=True,
    help="Go past an undone step, the bake time, a verdict or a foreign edit; recorded.",
)  # fmt: skip
_wait = click.option(
    "--wait", metavar="SECONDS", type=click.IntRange(min=0), default=0, show_default=True,
    help="How long to wait for another who moves this canary.",
)  # fmt: skip
_dry_run = click.option("--dry-run", is_flag=True, help="Write nothing; say what would be done.")


def site_options(function: Decorated) -> Decorated:
    """Add SERVICE, `--environment`, `--without`, `--config` and `--format`."""
    for option in (
        format_option(),
        config_option,
        _without,
        click.option("--environment", metavar="E", help="The environment (default: the only production one)."),
        click.argument("service"),
    ):
        function = option(function)
    return function


def acting_options(function: Decorated) -> Decorated:
    """Add what the commands that write take besides: `--wait` and `--dry-run`."""
    return _dry_run(_wait(function))


force_option = _force


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A command's site, with the settings of its service."""

    site: Site
    settings: Canary
    config: Config
    judge: Judge
    metrics: Mapping[str, Any]
    report: Report
    folder: Path

    @property
    def is_judged(self) -> bool:
        """Whether there is a Prometheus to ask."""
        return bool(self.metrics)


@contextmanager
def opened(service: str, environment: str | None, without: tuple[str, ...], config: Path) -> Iterator[Opened]:
    """Open the clusters that concern a service's canary. Raises `UsageError`."""
    from mcci import job, output
    from mcci.canary.clusters import open as opening
    from mcci.canary.report.files import Report
    from mcci.canary.verdict import NoJudge
    from mcci.clients import prometheus, repository
    from mcci.clusters import access, ended
    from mcci.clusters.leases import SystemClock

    model = repository.load_config(config)
    chosen = opening.service_of(model, service)
    settings = opening.settings_of(model, chosen)
    place = opening.environment_of(model, environment)
    names = [name for part in opening.clusters_of(model, place, chosen) for name in part]
    left = opening.check_without(names, without, service)
    current = job.read()
    actor = opening.actor_of(current, user())
    urls = {name: model.clusters[name].prometheus for name in left}
    metrics = prometheus.open_all(urls, os.environ)
    judge: Judge = NoJudge()
    if metrics:
        from mcci.canary.judge.prometheus import PrometheusJudge

        judge = PrometheusJudge(
            metrics=metrics, namespace=model.namespace_of(place), analysis=settings.analysis
        )  # fmt: skip
    clusters = [model.clusters[name] for name in left]
    with access.open_clusters(clusters, os.environ, root=config.parent, deadline=DEADLINE) as found:
        apis = {name: each.api for name, each in found.items()}
        site = opening.site_of(model, place, chosen, apis, actor, SystemClock(), output.log).leave_out(without)
        site = replace(site, ended=ended.by_gitlab(current))
        shown = {name: url for name, url in urls.items() if url}
        report = Report(
            service=service, namespace=site.namespace, begun=datetime.now(UTC), job_url=actor.job_url, prometheus=shown
        )
        yield Opened(
            site=site, settings=settings, config=model, judge=judge, metrics=metrics, report=report,
            folder=config.parent,
        )  # fmt: skip


def user() -> str:
    """Return who sits at this terminal."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "somebody"


def time_left() -> float:
    """Return the seconds that this job has, less those to roll back in; no end at a terminal."""
    timeout, started = os.environ.get("CI_JOB_TIMEOUT", ""), os.environ.get("CI_JOB_STARTED_AT", "")
    if not timeout.isdigit():
        return float("inf")
    try:
        used = (datetime.now(UTC) - datetime.fromisoformat(started)).total_seconds() if started else 0.0
    except ValueError:
        used = 0.0
    return max(0.0, int(timeout) - used - MARGIN)


def tell(opened: Opened, notice: Notice, state: Any, verdict: str, why: str) -> None:
    """Tell the webhooks."""
    from mcci import output
    from mcci.canary.report import notify

    if opened.config.notifications and state is not None:
        message = notify.message(opened.site, state, notice, verdict, why)
        notify.tell(opened.config.notifications, message, os.environ, output.log)


def show(outcome: Outcome, kind: str, format_: str) -> int:
    """Print an outcome, and return its exit code."""
    from mcci import output
    from mcci.canary import state_json

    if format_ == "json":
        look = outcome.look
        body = {
            "code": int(outcome.code),
            "changed": outcome.changed,
            "skew_seconds": outcome.skew,
            "lines": list(outcome.lines),
            "verdict": look.verdict.value if look else "",
            "judgement": dict(look.evidence) if look else {},
            "state": state_json.body(outcome.state),
        }
        output.json_document(f"canary-{kind}", 1, body)
        return outcome.code
    for line in outcome.lines:
        output.text(line)
    return outcome.code
