"""The folder that `mcci network render` writes: whole by itself, to be read, kept and changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.network import inventory, terraform

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.network.plan import Plan

IGNORED = """\
# Written by `mcci network render`. Terraform's state is kept in a backend (terraform/backend.tf, yours to write).
.terraform/
*.tfstate*
*.tfplan
"""


def render(plan: Plan, shipped: Mapping[str, str], public_key: str) -> dict[str, str]:
    """Return every file by path: Terraform where there is an instance to make, Ansible's playbook and inventory."""
    found = {path: text for path, text in shipped.items() if path.startswith("ansible/")}
    found |= {f"ansible/{path}": text for path, text in inventory.files(plan).items()}
    clouds = {each.cloud.value for each in plan.members if each.made}
    modules = tuple(f"terraform/modules/{cloud}-site/" for cloud in clouds)
    found |= {path: text for path, text in shipped.items() if path.startswith(modules)}
    if clouds:
        found |= {f"terraform/{path}": text for path, text in terraform.files(plan, public_key).items()}
    return {".gitignore": IGNORED} | found
