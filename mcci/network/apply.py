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
    from mcci.network.progress import Progress

BOOT = 180  # seconds that an instance which was just made may take to answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What `apply` is asked for beside the network itself."""

    renew: tuple[str, ...] = ()
    new_authority: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """How many tasks changed each site, and why sites failed. `planned`: Terraform had something to change."""

    planned: bool = False
    changed: Mapping[str, int] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)


def apply(plan: Plan, folder: Path, wishes: Wishes, say: Callable[[str], None], confirm: Callable[[], bool]) -> Applied:
    """Make the network of `folder`. `confirm` is asked before Terraform changes something; a no raises `McciError`."""
    planned, made = False, any(each.made for each in plan.members)
    if made:
        say("Terraform")
        planned = provision.plan(folder, say)
        there = [each.name for each in plan.members if not each.made]
        if planned and not wishes.dry_run and there:
            looked = _look(folder, wishes, say, "--limit", ",".join(there))
            if looked.failures:
                return Applied(planned=planned, failures=looked.failures)
        if not wishes.dry_run:
            _make(folder, say, confirm, planned=planned)
        elif not (folder / "ansible" / inventory.ADDRESSES).exists():
            say("sites that are still to be made cannot be looked at")
            return Applied(planned=planned)
    if wishes.dry_run:
        return Applied(planned=planned, failures=_look(folder, wishes, say).failures)
    say("Ansible")
    done = playbook.play(folder, "site.yml", _variables(wishes) | {"vpn_wait": BOOT if planned else 0}, say)
    return Applied(changed=done.changed, failures=done.failures, planned=planned)


def _look(folder: Path, wishes: Wishes, say: Callable[[str], None], *options: str) -> Progress:
    """Look at sites, and change nothing."""
    say("Ansible")
    return playbook.play(folder, "site.yml", _variables(wishes), say, "--check", "--tags", "preflight", *options)


def _make(folder: Path, say: Callable[[str], None], confirm: Callable[[], bool], *, planned: bool) -> None:
    """Make the instances that are planned, and write down where they are."""
    if planned:
        if not confirm():
            raise McciError("nothing was changed: Terraform's plan was declined.")
        provision.apply(folder, say)
    found = inventory.addresses(provision.addresses(folder))
    files.replace_all({folder / "ansible" / inventory.ADDRESSES: found})


def _variables(wishes: Wishes) -> dict[str, object]:
    return {"vpn_renew": list(wishes.renew), "vpn_new_authority": wishes.new_authority}
