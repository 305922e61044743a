"""Asks every site how it reaches the others (`infra/ansible/verify.yml`)."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from mcci.network import measured, playbook

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcci.network.measured import Limits, Measured
    from mcci.network.plan import Plan


def measure(
    plan: Plan, folder: Path, limits: Limits, say: Callable[[str], None], *, seconds: int, count: int
) -> Measured:
    """Measure every pair with `count` pings and `seconds` of throughput (0: none). Raises as `playbook.play` does."""
    with tempfile.TemporaryDirectory(prefix="mcci-network-") as report:
        variables = {"vpn_report": report, "vpn_seconds": seconds, "vpn_count": count}
        progress = playbook.play(folder, "verify.yml", variables, say)
        for site, why in progress.failures.items():
            say(f"  {site}: {why}")
        sites = _read(Path(report), "site", plan)
        pairs = _read(Path(report), "pairs", plan)
    return measured.judge(plan, sites, pairs, limits)


def _read(report: Path, kind: str, plan: Plan) -> dict[str, measured.Document]:
    found = {each.name: report / f"{each.name}.{kind}.json" for each in plan.members}
    return {name: json.loads(path.read_text()) for name, path in found.items() if path.is_file()}
