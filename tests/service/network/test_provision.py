"""In which order `apply` runs Terraform and Ansible: a fake `terraform` program notes how it is called.

The fake knows nothing of Terraform but the words; `test_terraform_runs.py` runs the real one.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from mcci.config.load import load
from mcci.errors import McciError, ServiceFailed
from mcci.network import apply as applying
from mcci.network import plan as planning
from mcci.network import playbook
from mcci.network.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONFIG = b"""\
version: 1
application: shop
services: {cart: {}}
network:
  admins: [198.51.100.0/24]
  public_key: key.pub
  sites:
    aws: {cloud: aws, region: eu-south-1, subnets: [10.1.0.0/16], role: ca}
    gcp: {cloud: gcp, address: 198.51.100.3, subnets: [10.3.0.0/16]}
"""
FAKE = """\
#!/bin/sh
echo "terraform $*" >>"$CALLS"
case $1 in
plan) echo "Plan: 9 to add"; test -z "$BROKEN" || { echo "Error: $BROKEN"; exit 1; }; exit "$CHANGES" ;;
output) echo '{"aws": "198.51.100.1"}' ;;
esac
"""
SECRET = "hunter2-of-the-cloud"
INIT = "terraform init -input=false -no-color"
PLAN = "terraform plan -input=false -no-color -detailed-exitcode -out=mcci.tfplan"
APPLY = "terraform apply -input=false -no-color -auto-approve mcci.tfplan"
OUTPUT = "terraform output -json addresses"


class Bench:
    """A rendered folder, and what was called in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.failures: dict[str, str] = {}
        self.said: list[str] = []

    @property
    def calls(self) -> list[str]:
        """What was run, in order."""
        file = self.folder / "calls"
        return file.read_text().splitlines() if file.exists() else []

    def play(self, folder: Path, name: str, variables: dict[str, Any], _: object, *options: str) -> Progress:
        """Stand in for Ansible."""
        assert (folder, name) == (self.folder, "site.yml")
        waits = [f"wait={variables['vpn_wait']}"] if "vpn_wait" in variables else []
        with (self.folder / "calls").open("a") as file:
            file.write(f"ansible {' '.join([*options, *waits])}\n")
        return Progress(failures=dict(self.failures))

    def apply(self, confirm: Callable[[], bool] = lambda: True, *, dry_run: bool = False) -> applying.Applied:
        """Apply."""
        plan = planning.plan(load(CONFIG).network)
        return applying.apply(plan, self.folder, applying.Wishes(dry_run=dry_run), self.said.append, confirm)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Return a folder whose Terraform is a fake that has something to change, with a cloud's secret about."""
    program = tmp_path / "bin/terraform"
    program.parent.mkdir()
    program.write_text(FAKE)
    program.chmod(0o755)
    (tmp_path / "terraform").mkdir()
    found = Bench(tmp_path)
    for name, value in {
        "PATH": f"{program.parent}:{os.environ['PATH']}", "CALLS": str(tmp_path / "calls"),
        "CHANGES": "2", "BROKEN": "", "ARM_CLIENT_SECRET": SECRET, "AWS_SECRET_ACCESS_KEY": SECRET,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(playbook, "play", found.play)
    return found


def test_the_order(bench: Bench) -> None:
    """Plan, look at the sites that are there, make what was planned, read the addresses, join; no secret in argv."""
    done = bench.apply()
    look = "ansible --check --tags preflight --limit gcp"
    assert bench.calls == [INIT, PLAN, look, APPLY, OUTPUT, "ansible wait=180"]
    assert done.planned
    inventory = (bench.folder / "ansible/inventory/terraform.yml").read_text()
    assert "ansible_host: 198.51.100.1" in inventory
    kept = "".join(path.read_text() for path in bench.folder.rglob("*") if path.is_file())
    assert SECRET not in kept + "".join(bench.said)


def test_nothing_to_change(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the plan is empty nothing is made, nobody is asked, and nothing is waited for."""
    monkeypatch.setenv("CHANGES", "0")
    bench.apply(lambda: pytest.fail("nobody is to be asked"))
    assert bench.calls == [INIT, PLAN, OUTPUT, "ansible wait=0"]


def test_a_dry_run_makes_nothing(bench: Bench) -> None:
    """`--dry-run` plans; sites that are still to be made cannot be looked at."""
    assert bench.apply(dry_run=True).planned
    assert bench.calls == [INIT, PLAN]
    assert "cannot be looked at" in bench.said[-1]


def test_declined(bench: Bench) -> None:
    """A no ends it before anything is made."""
    with pytest.raises(McciError, match="nothing was changed"):
        bench.apply(lambda: False)
    assert not {APPLY, OUTPUT} & set(bench.calls)


def test_a_site_that_is_ill_stops_terraform(bench: Bench) -> None:
    """When a site that is there cannot be reached, or its authority has expired, Terraform makes nothing."""
    bench.failures["gcp"] = "nothing listens there"
    assert bench.apply().failures == {"gcp": "nothing listens there"}
    assert APPLY not in bench.calls


def test_a_plan_that_fails(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Terraform's own words are shown, and nothing more is run."""
    monkeypatch.setenv("BROKEN", "no valid credential sources")
    with pytest.raises(ServiceFailed, match=r"terraform plan failed \(1\)(.|\n)*no valid credential sources"):
        bench.apply()
    assert bench.calls == [INIT, PLAN]


def test_an_output_that_is_none(bench: Bench) -> None:
    """What is no JSON is said, and no inventory is written of it."""
    program = bench.folder / "bin/terraform"
    program.write_text(FAKE.replace("""'{"aws": "198.51.100.1"}'""", "oops"))
    with pytest.raises(ServiceFailed, match="no JSON: oops"):
        bench.apply()
    assert not (bench.folder / "ansible").exists()
