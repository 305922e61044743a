"""Terraform for real, with a stub of the clouds' providers (`stub_provider.py`): no account, and nothing is made.

The stub has the arguments and types that the providers publish; what they make of them it does not know.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mcci.config.load import load
from mcci.network import plan, render, shipped
from tests.service.network.modules import MODULES, ROOT
from tests.service.network.project import Project
from tests.service.network.test_terraform import SCHEMAS

STUB = Path(__file__).with_name("stub_provider.py")
CONFIG = """\
version: 1
application: shop
services: {cart: {}}
network:
  mode: resilient
  admins: [198.51.100.0/24]
  public_key: key.pub
  sites:
    aws: {cloud: aws, region: eu-south-1, subnets: [10.1.0.0/16, 10.4.0.0/20], role: ca}
    aws-us: {cloud: aws, region: us-east-1, subnets: [10.5.0.0/16]}
    azure: {cloud: azure, region: westeurope, subnets: [10.2.0.0/16], pods: 10.12.0.0/16}
    gcp: {cloud: gcp, address: 198.51.100.3, subnets: [10.3.0.0/16]}
"""
JOINED = """\
version: 1
application: shop
services: {cart: {}}
network:
  admins: [198.18.0.0/24]
  public_key: key.pub
  sites:
    aws: {cloud: aws, region: eu-south-1, subnets: [10.1.0.0/16], role: ca}
    azure: {cloud: azure, region: westeurope, subnets: [10.2.0.0/16]}
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the variables by which Terraform finds the stubs, and no other provider."""
    folder = tmp_path_factory.mktemp("providers")
    for name in ("aws", "azurerm"):
        version = SCHEMAS[name]
        program = folder / f"registry.terraform.io/hashicorp/{name}/{version}/linux_amd64/terraform-provider-{name}"
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\nexec {sys.executable} {STUB} {name}\n")
        program.chmod(0o755)
    (folder / "rc").write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{folder}"\n  }}\n}}\n')
    addresses = {"vpn-aws": "198.18.0.1", "vpn-aws-us": "198.18.0.9", "vpn-azure": "198.18.0.2"}
    return {
        **os.environ, "TF_CLI_CONFIG_FILE": str(folder / "rc"), "STUB_ADDRESSES": json.dumps(addresses),
        "PYTHONPATH": str(ROOT),
    }  # fmt: skip


def terraform(folder: Path, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Terraform."""
    command = ["terraform", arguments[0], "-no-color", *arguments[1:]]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


@pytest.fixture
def rendered(tmp_path: Path) -> Path:
    """Render a network of four sites, three of which Terraform makes, and return the root module's folder."""
    texts = render.render(plan.plan(load(CONFIG.encode()).network), shipped.packaged(), "ssh-ed25519 AAAA me")
    for path, text in texts.items():
        if path.startswith("terraform/"):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
    return tmp_path / "terraform"


def test_the_rendered_code_is_formatted(rendered: Path, environment: dict[str, str]) -> None:
    """`terraform fmt -check` finds nothing to change, in the modules and in the root module."""
    done = terraform(rendered, environment, "fmt", "-check", "-recursive", "-diff")
    assert (done.returncode, done.stdout) == (0, "")


def test_the_rendered_code_is_valid(rendered: Path, environment: dict[str, str]) -> None:
    """`terraform validate` finds the root module and its modules right, and an argument nobody knows wrong."""
    assert terraform(rendered, environment, "init").returncode == 0
    done = terraform(rendered, environment, "validate")
    assert "The configuration is valid." in done.stdout, done.stdout + done.stderr
    broken = rendered / "modules/aws-site/main.tf"
    broken.write_text(broken.read_text().replace("enable_dns_support ", "enable_dns_supports"))
    done = terraform(rendered, environment, "validate")
    assert 'An argument named "enable_dns_supports" is not expected here.' in done.stderr


@pytest.mark.parametrize("cloud", ["aws", "azure"])
def test_the_modules_own_tests(cloud: str, tmp_path: Path, environment: dict[str, str]) -> None:
    """`terraform test` says that a site is what it should be: who is let in, what is routed where."""
    folder = tmp_path / f"{cloud}-site"
    shutil.copytree(MODULES / f"{cloud}-site", folder)
    assert terraform(folder, environment, "init").returncode == 0
    done = terraform(folder, environment, "test")
    assert "1 passed, 0 failed" in done.stdout, done.stdout + done.stderr


@pytest.mark.faults
@pytest.mark.slow
@pytest.mark.parametrize(
    ("cloud", "file", "right", "wrong"),
    [
        ("aws", "instance.tf", "source_dest_check = false", "source_dest_check = true"),
        ("aws", "instance.tf", "cidr_ipv4         = var.peers[count.index]", 'cidr_ipv4         = "0.0.0.0/0"'),
        ("aws", "main.tf", "route_table_id = aws_route_table.private.id", "route_table_id = aws_route_table.edge.id"),
        ("azure", "instance.tf", "ip_forwarding_enabled = true", "ip_forwarding_enabled = false"),
        ("azure", "instance.tf", "source_address_prefixes    = var.admin_ranges", 'source_address_prefix = "*"'),
    ],
)
def test_the_modules_own_tests_can_fail(
    cloud: str, file: str, right: str, wrong: str, tmp_path: Path, environment: dict[str, str]
) -> None:
    """A module that is changed for the worse fails its tests."""
    folder = tmp_path / f"{cloud}-site"
    shutil.copytree(MODULES / f"{cloud}-site", folder)
    text = (folder / file).read_text()
    assert right in text
    (folder / file).write_text(text.replace(right, wrong))
    assert terraform(folder, environment, "init").returncode == 0
    assert terraform(folder, environment, "test").returncode == 1


@pytest.mark.faults
@pytest.mark.slow
def test_terraform_makes_what_ansible_joins(
    project: Project, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`apply` plans, asks, makes the instances, and hands their addresses to Ansible; again, it changes nothing."""
    (project.folder / "mcci.yml").write_text(JOINED)
    (project.folder / "key.pub").write_text("ssh-ed25519 AAAA me\n")
    for name in ("TF_CLI_CONFIG_FILE", "STUB_ADDRESSES"):
        monkeypatch.setenv(name, environment[name])
    project.mcci("render")
    state = project.folder / "network/terraform/terraform.tfstate"
    tried = project.mcci("apply", "--dry-run")
    assert "Plan: 34 to add" in tried
    assert "dry run: nothing was changed, and Terraform would make changes" in tried
    assert not state.exists()
    assert "Give --yes." in project.mcci("apply", code=2)
    assert not state.exists()

    said = project.apply("--yes")
    assert "Apply complete! Resources: 34 added" in said
    inventory = (project.folder / "network/ansible/inventory/terraform.yml").read_text()
    assert "aws:\n      ansible_host: 198.18.0.1\n      vpn_address: 198.18.0.1" in inventory
    assert project.world.reaches("aws", "azure")
    assert "PRIVATE KEY" not in state.read_text()
    again = project.apply("--yes")
    assert "No changes." in again
    assert "nothing had to be changed" in again
