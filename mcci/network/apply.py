"""Makes the network: Terraform's plan, then the playbook."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcci.clients import files
from mcci.errors import McciError
from mcci.network import inventory, playbook, provision

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mcci.network.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What `apply` is asked for beside the network itself."""

    renew: tuple[str, ...] = ()
    new_authority: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """How many tasks changed each site, and why sites failed."""

    changed: Mapping[str, int] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)


def apply(plan: Plan, folder: Path, wishes: Wishes, say: Callable[[str], None], confirm: Callable[[], bool]) -> Applied:
    """Make the network of `folder`. `confirm` is asked before Terraform changes something; a no raises `McciError`."""
    if any(each.made for each in plan.members):
        _provision(folder, wishes, say, confirm)
        if wishes.dry_run and not (folder / "ansible" / inventory.ADDRESSES).exists():
            return Applied()
    say("Ansible")
    variables: dict[str, object] = {"vpn_renew": list(wishes.renew), "vpn_new_authority": wishes.new_authority}
    options = ("--check", "--tags", "preflight") if wishes.dry_run else ()
    done = playbook.play(folder, "site.yml", variables, say, *options)
    return Applied(changed={} if wishes.dry_run else done.changed, failures=done.failures)


def _provision(folder: Path, wishes: Wishes, say: Callable[[str], None], confirm: Callable[[], bool]) -> None:
    say("Terraform")
    changes = provision.plan(folder, say)
    if wishes.dry_run:
        return
    if changes:
        if not confirm():
            raise McciError("nothing was changed: Terraform's plan was declined.")
        provision.apply(folder, say)
    found = inventory.addresses(provision.addresses(folder))
    files.replace_all({folder / "ansible" / inventory.ADDRESSES: found})
