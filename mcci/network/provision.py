"""Runs the Terraform of the rendered folder, and reads the addresses that it made."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

from mcci.clients import processes
from mcci.errors import ServiceFailed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LIMIT = 3600.0  # seconds
PLAN = "mcci.tfplan"
_WORTH = re.compile(
    r"^(Plan:|No changes|Apply complete!|  # |\S+: (Creation complete|Destruction complete|Creating|Destroying))"
)


def plan(folder: Path, say: Callable[[str], None]) -> bool:
    """Prepare the folder and plan; return whether there is something to change."""
    _run(folder, say, "init", "-input=false", "-no-color")
    code, _ = _run(folder, say, "plan", "-input=false", "-no-color", "-detailed-exitcode", f"-out={PLAN}", good=(0, 2))
    return code == 2


def apply(folder: Path, say: Callable[[str], None]) -> None:
    """Make what was planned."""
    _run(folder, say, "apply", "-input=false", "-no-color", "-auto-approve", PLAN)


def addresses(folder: Path) -> dict[str, str]:
    """Return the public addresses by site."""
    _, text = _run(folder, lambda _: None, "output", "-json", "addresses")
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ServiceFailed(f"terraform's output is no JSON: {text[:200]}") from error
    return {str(name): str(address) for name, address in found.items()}


def _run(folder: Path, say: Callable[[str], None], *arguments: str, good: tuple[int, ...] = (0,)) -> tuple[int, str]:
    lines: list[str] = []

    def line(text: str) -> None:
        lines.append(text)
        if _WORTH.match(text):
            say(f"  {text.strip()}")

    try:
        code = processes.run(
            ["terraform", *arguments], line, environment={**os.environ, "TF_IN_AUTOMATION": "1"},
            folder=folder / "terraform", timeout=LIMIT,
        )  # fmt: skip
    except processes.OutOfTime as error:
        raise ServiceFailed(f"terraform {arguments[0]} took longer than {LIMIT / 60:.0f} minutes.") from error
    if code not in good:
        said = [text for text in lines if text.strip()][-20:]
        raise ServiceFailed(f"terraform {arguments[0]} failed ({code}):\n" + "\n".join(said))
    return code, "\n".join(lines)
