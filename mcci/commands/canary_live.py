"""The live view of `mcci canary status --watch`: the plan, a bar a cluster, and what is wrong."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mcci.errors import ExitCode, McciError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console, RenderableType

    from mcci.canary.report.status import Status

WIDTH = 40


def live(now: Callable[[], Status], every: float, console: Console | None = None, times: int | None = None) -> ExitCode:
    """Show the status until it is interrupted (or so many `times`); a cluster that is lost is shown as such."""
    from rich.console import Console
    from rich.live import Live

    with Live(console=console or Console(), auto_refresh=False) as view:
        shown = 0
        while times is None or shown < times:
            try:
                view.update(screen(now()), refresh=True)
            except McciError as error:
                view.update(str(error), refresh=True)
            shown += 1
            if times is None or shown < times:
                time.sleep(every)
    return ExitCode.DONE


def screen(found: Status) -> RenderableType:
    """Return one picture of the status."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from mcci.canary.report import status

    state = found.state
    if state is None:
        return Text("\n".join(status.lines(found)))
    parts: list[RenderableType] = [
        Text(f"{found.service} in {found.environment}: {status.headline(found)}", style="bold")
    ]
    if state.plan:
        plan = Text("plan  ")
        for weight in state.plan:
            style = "bold green" if weight == state.step else "green" if weight < state.step else "dim"
            plan.append(f" {weight} ", style=style)
        parts.append(plan)
    table = Table.grid(padding=(0, 2))
    for name, each in found.weights.items():
        table.add_row(name, each if isinstance(each, str) else _bar(dict(each), state.canary), _pods(found, name))
    for name in found.ready:
        if name not in found.weights:
            table.add_row(name, "", _pods(found, name))
    parts.append(table)
    parts += [Text(line, style="cyan") for line in status.evidence(found)]
    if found.bake_left:
        parts.append(Text(f"bakes {found.bake_left:.0f} s more", style="yellow"))
    if found.moving:
        parts.append(Text(f"moved now by {found.moving}", style="yellow"))
    parts += [Text(problem, style="red") for problem in found.problems]
    parts += [Text(line, style="dim") for line in status.history(state, last=6)]
    return Group(*parts)


def _bar(weights: dict[str, int], canary: str) -> RenderableType:
    from rich.text import Text

    share = weights.get(canary, 0) if canary else 0
    filled = round(WIDTH * share / 100)
    bar = Text("█" * filled, style="dark_orange")
    bar.append("█" * (WIDTH - filled), style="blue")
    bar.append("  " + ", ".join(f"{version} {weight}" for version, weight in weights.items()))
    return bar


def _pods(found: Status, cluster: str) -> str:
    return (
        ", ".join(f"{count}× {version}" for version, count in found.ready.get(cluster, {}).items()) or "no ready pods"
    )
