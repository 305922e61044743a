"""`mcci network`: the VPN between the clouds."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from mcci.cli import config_option, format_option
from mcci.errors import ExitCode, InvalidInput, McciError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcci.config.model import Config
    from mcci.network.apply import Applied
    from mcci.network.measured import Measured
    from mcci.network.plan import Plan

FOLDER = Path("network")
Decorated = TypeVar("Decorated", bound="Callable[..., object]")


def _folder_option(function: Decorated) -> Decorated:
    return click.option(
        "--output", "folder", metavar="FOLDER", type=click.Path(file_okay=False, path_type=Path), default=FOLDER,
        show_default=True, help="The folder with the Terraform and Ansible code.",
    )(function)  # fmt: skip


@click.group("network")
def command() -> None:
    """Join the clouds by OpenVPN: write the infrastructure code, run it, and measure the network that it makes."""


@command.command("render")
@_folder_option
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@config_option
@format_option()
def render(folder: Path, dry_run: bool, config: Path, format_: str) -> int:
    """Write the Terraform and Ansible code of the VPN.

    The folder is whole by itself: modules, playbook, roles and inventory. Files of sites that are gone are removed.
    """
    from mcci import output
    from mcci.clients import files
    from mcci.network import folders

    plan, model = _plan(config)
    texts = folders.rendered(plan, model, config.parent)
    wanted = {folder / path: text for path, text in texts.items()}
    stale = folders.stale(folder, set(texts))
    changed = folders.differing(wanted) if dry_run else files.replace_all(wanted)
    if not dry_run:
        folders.finish(folder, stale)
    if format_ == "json":
        body = {"written": [str(each) for each in changed], "removed": [str(each) for each in stale]}
        output.json_document("network-render", 1, {"folder": str(folder), "dry_run": dry_run, **body})
        return ExitCode.DONE
    would = "would " if dry_run else ""
    for path in stale:
        output.text(f"{would}remove{'' if dry_run else 'd'} {path}")
    sites = ", ".join(each.name for each in plan.members)
    wrote = "would write" if dry_run else "wrote"
    output.text(
        f"{wrote} {len(changed)} of {len(wanted)} files to {folder}: {plan.mode.value}, "
        f"{len(plan.tunnels)} tunnels between {sites}"
    )
    return ExitCode.DONE


@command.command("apply")
@_folder_option
@click.option("--yes", is_flag=True, help="Make what Terraform plans without asking.")
@click.option("--renew", metavar="SITE", multiple=True, help="Give SITE a new key, and revoke its old certificates.")
@click.option("--new-authority", is_flag=True, help="Start a new authority: every site gets a new certificate.")
@click.option("--dry-run", is_flag=True, help="Plan, look at every site, and change nothing.")
@config_option
@format_option()
def apply(
    folder: Path, yes: bool, renew: tuple[str, ...], new_authority: bool, dry_run: bool, config: Path, format_: str
) -> int:  # fmt: skip
    """Make the network that `render` wrote: Terraform where there are instances to make, then Ansible.

    Everything is looked at before anything is changed. Run again, it changes nothing; where it was interrupted, it
    goes on. What a site that is gone from mcci.yml, or revoked there, could do, it can do no longer.
    """
    from mcci import output
    from mcci.network import apply as applying
    from mcci.network import folders

    plan, model = _plan(config)
    unknown = sorted(set(renew) - {each.name for each in plan.members})
    if unknown:
        raise UsageError(f"there is no site {', '.join(unknown)} in use: mcci.yml has {', '.join(_names(plan))}.")
    texts = {folder / path: text for path, text in folders.rendered(plan, model, config.parent).items()}
    if stale := folders.differing(texts):
        output.log(f"note: {len(stale)} files in {folder} are not as 'mcci network render' writes them, as {stale[0]}")
    wishes = applying.Wishes(renew=renew, new_authority=new_authority, dry_run=dry_run)
    done = applying.apply(plan, folder, wishes, output.log, (lambda: True) if yes else _agreed)
    if format_ == "json":
        body = {"dry_run": dry_run, "planned": done.planned, "changed": done.changed, "failed": done.failures}
        output.json_document("network-apply", 1, body)
    else:
        _say_applied(done, dry_run=dry_run)
    if done.failures:
        raise McciError(f"{len(done.failures)} of {len(plan.members)} sites could not be set up. Run it again.")
    return ExitCode.DONE


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise UsageError("nothing was changed: nobody can be asked here whether to do as Terraform plans. Give --yes.")
    return click.confirm("Make these changes?", default=False, err=True)


def _say_applied(done: Applied, *, dry_run: bool) -> None:
    from mcci import output

    for site, why in done.failures.items():
        output.text(f"{output.bad('failed')} {site}: {why}")
    if dry_run:
        also = ", and Terraform would make changes" if done.planned else ""
        output.text(f"dry run: nothing was changed{also}")
        return
    what = ", ".join(f"{site} {count}" for site, count in done.changed.items() if count)
    nothing = "nothing was changed" if done.failures else "nothing had to be changed"
    output.text(f"changed: {what}" if what else nothing)


@command.command("verify")
@_folder_option
@click.option("--seconds", type=click.IntRange(0, 60), default=2, show_default=True,
              help="How long each throughput is measured; 0: not at all.")  # fmt: skip
@click.option("--count", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many pings a pair.")
@click.option(
    "--max-loss", type=float, default=5.0, show_default=True, help="Lost pings that are too many, in percent."
)
@click.option("--min-days", type=float, default=30.0, show_default=True, help="Days that certificates must be valid.")
@config_option
@format_option()
def verify(
    folder: Path, seconds: int, count: int, max_loss: float, min_days: float, config: Path, format_: str
) -> int:  # fmt: skip
    """Measure every pair of sites: reachability, loss, round trip, throughput, route, MTU; and the certificates.

    The sites' `probes` (private hosts, API servers) are asked from every other site. Ends with 1 where something is
    not as it should be.
    """
    from mcci import output
    from mcci.network import measured
    from mcci.network import verify as verifying

    plan, _ = _plan(config)
    limits = measured.Limits(loss=max_loss, days=min_days)
    found = verifying.measure(plan, folder, limits, output.log, seconds=seconds, count=count)
    if format_ == "json":
        body = {"pairs": [asdict(each) for each in found.pairs], "sites": [asdict(each) for each in found.sites]}
        output.json_document("network-verify", 1, {"good": found.good, **body})
    else:
        _show(found)
    return ExitCode.DONE if found.good else ExitCode.NO


def _show(found: Measured) -> None:
    from mcci import output

    output.heading(f"{'from':<12} {'to':<12} {'lost':>6} {'ms':>8} {'Mbit/s':>8} {'MTU':>5}  route")
    for each in found.pairs:
        numbers = f"{each.loss:>5.0f}% {_number(each.rtt):>8} {_number(each.mbits):>8} {_number(each.mtu):>5}"
        output.text(f"{each.source:<12} {each.target:<12} {numbers}  {each.way}")
    output.heading(f"\n{'site':<12} {'certificate':>12} {'authority':>12} {'revocations':>12}  (days left)")
    for site in found.sites:
        days = "".join(f" {_number(each):>12}" for each in (site.certificate, site.authority, site.revoked))
        output.text(f"{site.name:<12}{days}")
    output.text()
    for pair in found.pairs:
        for problem in pair.problems:
            output.text(f"{output.bad('✗')} {pair.source} → {pair.target}: {problem}")
    for site in found.sites:
        for problem in site.problems:
            output.text(f"{output.bad('✗')} {site.name}: {problem}")
    probes = sum(len(each.probes) for each in found.pairs)
    if found.good:
        output.text(output.good(f"{len(found.pairs)} pairs and {probes} probes, all well"))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}" if value < 10 else f"{value:.0f}"


def _names(plan: Plan) -> list[str]:
    return [each.name for each in plan.members]


def _plan(config: Path) -> tuple[Plan, Config]:
    """Return the plan of the configuration's network. Raises `InvalidInput` with every finding."""
    from mcci.clients import repository
    from mcci.network import plan, rules

    model = repository.load_config(config)
    if not model.network.sites:
        raise UsageError(f"{config} has no 'network: sites:': there is nothing to join.")
    findings = rules.check(model.network)
    if findings:
        raise InvalidInput(findings)
    return plan.plan(model.network), model
