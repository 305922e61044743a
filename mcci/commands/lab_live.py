"""The live view of `mcci lab traffic --watch`: a bar for every caller's cluster, and who answers."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from mcci.commands.lab_traffic import HEADINGS, RIGHT, headline, rows
from mcci.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console, RenderableType

    from mcci.lab.flows import Reading, Traffic
    from mcci.lab.load.model import Seen

EVERY = 1.0  # seconds
WIDTH = 40
COLOURS = ("blue", "dark_orange", "green", "magenta")  # of versions, in their order


def live(
    read: Callable[[], Reading],
    between: Callable[[Reading, Reading], Sequence[Traffic]],
    loads: Callable[[], Sequence[Seen]],
    seconds: float,
    console: Console | None = None,
    times: int | None = None,
) -> ExitCode:
    """Show the traffic of the last `seconds` until it is interrupted, or so many `times`."""
    from rich.console import Console
    from rich.live import Live

    kept = deque([read()])
    with Live(console=console or Console(), auto_refresh=False) as view:
        shown = 0
        while times is None or shown < times:
            time.sleep(EVERY)
            kept.append(read())
            while len(kept) > 2 and kept[-1].at - kept[1].at >= seconds:
                kept.popleft()
            view.update(screen(between(kept[0], kept[-1]), kept[-1], loads()), refresh=True)
            shown += 1
    return ExitCode.DONE


def screen(traffic: Sequence[Traffic], reading: Reading, loads: Sequence[Seen]) -> RenderableType:
    """Return one picture."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = []
    for each in traffic:
        parts += [Text(headline(each), style="bold red" if each.failed else "bold"), _bars(each), _table(each), Text()]
    if not traffic:
        parts.append(Text("no requests yet", style="dim"))
    parts += [Text(f"load on {each.line}", style="red" if each.failing else "dim") for each in loads]
    parts += [Text(problem, style="red") for problem in reading.problems.values()]
    return Group(*parts)


def _bars(found: Traffic) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    versions = sorted({each.version for each in found.flows})
    table = Table.grid(padding=(0, 2))
    for cluster in dict.fromkeys(each.cluster for each in found.flows):
        bar = Text()
        for each in found.flows:
            if each.cluster == cluster:
                colour = COLOURS[versions.index(each.version) % len(COLOURS)]
                bar.append("█" * round(WIDTH * (found.share(each) or 0.0)), style=colour)
        table.add_row(cluster, bar if bar else Text("no requests", style="dim"))
    return table


def _table(found: Traffic) -> RenderableType:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading, right in zip(HEADINGS, RIGHT, strict=True):
        table.add_column(heading, justify="right" if right else "left")
    for row in rows(found):
        table.add_row(*row)
    return table
