"""`mcci network`: the VPN between the clouds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mcci.cli import config_option, format_option
from mcci.errors import ExitCode, InvalidInput, UsageError

if TYPE_CHECKING:
    from mcci.config.model import Config
    from mcci.network.plan import Plan

FOLDER = Path("network")


def _folder_option(function):  # type: ignore[no-untyped-def]
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
    output.text(
        f"{'would write' if dry_run else 'wrote'} {len(changed)} of {len(wanted)} files to {folder}: {plan.mode.value}, "
        f"{len(plan.tunnels)} tunnels between {sites}"
    )
    return ExitCode.DONE


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
