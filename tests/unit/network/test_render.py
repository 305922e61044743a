"""The rendered folder."""

from __future__ import annotations

from typing import Any

import yaml

from mcci.network import render, shipped
from tests.unit.network import networks


def rendered(sites: str = networks.SITES, *lines: str) -> dict[str, str]:
    """Return every file of the folder."""
    return render.render(networks.plan(sites, *lines), shipped.packaged(), "ssh-ed25519 AAAA")


def host(files: dict[str, str], name: str) -> Any:
    """Return a site's variables."""
    return yaml.safe_load(files[f"ansible/inventory/host_vars/{name}.yml"])


def test_the_folder_is_whole() -> None:
    """Playbook, roles and inventory are there; Terraform only with an instance to make, and only its cloud's module."""
    files = rendered()
    assert {"ansible/site.yml", "ansible/verify.yml", "ansible/inventory/hosts.yml"} <= set(files)
    assert not any(path.startswith("terraform/") for path in files)
    only_aws = networks.MADE.replace("azure: {", "azure: {address: 192.0.2.9, ")
    made = rendered(only_aws, "public_key: k", "admins: [192.0.2.0/24]")
    assert {path.split("/")[2] for path in made if path.startswith("terraform/modules")} == {"aws-site"}


def test_rendering_is_deterministic() -> None:
    """The same network gives the same bytes."""
    assert rendered() == rendered()


def test_the_thesis_listings_have_their_values() -> None:
    """A mesh server knows each client's fixed address (ifconfig-push) and the networks behind it (iroute)."""
    server = host(rendered(), "azure")["vpn_servers"][0]
    assert server["network"] == "10.255.2.0/255.255.255.0"
    assert server["clients"][0] == {
        "name": "aws", "address": "10.255.2.2", "networks": ["10.1.0.0/255.255.0.0", "10.11.0.0/255.255.0.0"],
    }  # fmt: skip


def test_no_secret_is_rendered() -> None:
    """Neither inventory nor Terraform holds a private key or a password."""
    text = "".join(text for path, text in rendered().items() if "inventory" in path or path.startswith("terraform"))
    assert "PRIVATE" not in text
    assert "password" not in text
