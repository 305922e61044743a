"""The bench's table, as text and Markdown, and its plot as SVG."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from bench.judging.worlds import Array

COLOURS = ("#0b6e4f", "#c0392b", "#e08e79", "#7d5ba6", "#b8860b", "#2e6f9e")
_WIDE, _HIGH, _LEFT, _TOP, _MOST = 760, 380, 60, 40, 4000


def line(name: str, row: dict[str, Any]) -> str:
    """Return a row for a terminal."""
    cells = [f"{judge}: {_cell(row, figures)}" for judge, figures in row["judges"].items()]
    least = f"  (lower bound {row['lower_bound']:,.0f})" if row["lower_bound"] else ""
    return f"{name}, {row['rollouts']:,} rollouts{least}\n    " + "\n    ".join(cells)


def _cell(row: dict[str, Any], figures: dict[str, Any]) -> str:
    early = figures["too_early"]
    if row["alike"]:
        return _percent(figures["rolled_back"])
    caught = _percent(figures["rolled_back"] / (1 - early)) if early < 1 else "none"
    shown = f"{caught}, {figures['exposed_mean']:,.0f}"
    return f"{shown} ({_percent(early)} before the fault)" if early >= 0.0005 else shown


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %" if 0 < share < 0.1 else f"{100 * share:.0f} %"


def missed(rows: dict[str, Any]) -> list[str]:
    """Return the rows whose target mcci's judge missed."""
    found = []
    for name, row in rows.items():
        ours = row["judges"]["mcci"]
        if row["alike"] and row["target"] and ours["rolled_back"] > 0.01:
            found.append(name)
        if row["target"] == "≤ 550" and not (ours["exposed_mean"] <= 550 and ours["rolled_back"] == 1):
            found.append(name)
    return found


def summary(report: dict[str, Any]) -> str:
    """Return what follows the rows on a terminal."""
    lines = [
        f"{name}: {case['verdict']} after {case['canary_requests']} canary requests"
        + (f"; Kayenta: {case['kayenta']}" if "kayenta" in case else "")
        for name, case in report["cases"].items()
    ]
    done = "every target reached" if not report["missed"] else f"MISSED: {', '.join(report['missed'])}"
    return "\n".join([*lines, f"{report['seconds']:.0f} s; {done}"])


def table(report: dict[str, Any]) -> str:
    """Return the rows and the cases as Markdown."""
    names = list(next(iter(report["rows"].values()))["judges"])
    alike = {name: row for name, row in report["rows"].items() if row["alike"]}
    worse = {name: row for name, row in report["rows"].items() if not row["alike"]}
    parts = ["**Rolled back although both versions are alike** (share of rollouts; looks every 10 s):", ""]
    parts += [*_head(["both versions", "rollouts", *names])]
    parts += [_row([name, f"{row['rollouts']:,}", *_cells(row, names)]) for name, row in alike.items()]
    parts += [
        "",
        "**Caught, and the canary's requests until the rollback** (mean; 10 % of 100 requests/s unless said):",
        "",
    ]
    parts += [*_head(["the canary", "least possible", *names])]
    for name, row in worse.items():
        least = f"{row['lower_bound']:,.0f}" if row["lower_bound"] else ""
        parts.append(_row([name, least, *_cells(row, names)]))
    parts += ["", "**Small cases:**", "", *_head(["case", "mcci", "canary requests", "Kayenta"])]
    for name, case in report["cases"].items():
        parts.append(_row([name, case["verdict"], str(case["canary_requests"]), case.get("kayenta", "")]))
    return "\n".join(parts)


def _cells(row: dict[str, Any], names: list[str]) -> list[str]:
    return [_cell(row, row["judges"][name]) for name in names]


def _head(cells: list[str]) -> list[str]:
    return [_row(cells), _row(["---", *["---:"] * (len(cells) - 1)])]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def write(folder: Path, report: dict[str, Any], curves: dict[str, Array], least: float) -> None:
    """Put the table between the page's markers, and the plot beside the page."""
    page = folder / "judge.md"
    begin, end = "<!-- measured: made by bench/judge.py -->", "<!-- end of measured -->"
    text = page.read_text("utf-8")
    made = f"{begin}\n\n{table(report)}\n\n{end}"
    page.write_text(re.sub(f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: made, text, flags=re.DOTALL), "utf-8")
    (folder / "judge.svg").write_text(plot(curves, least), "utf-8")


def plot(curves: dict[str, Array], least: float) -> str:
    """Return the share of rollouts that are rolled back, by the canary's requests until then."""
    right, bottom = _WIDE - 170, _HIGH - 50
    scale = (right - _LEFT) / _MOST

    def place(requests: float, share: float) -> str:
        return f"{_LEFT + requests * scale:.1f},{bottom - share * (bottom - _TOP):.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {_HIGH}"',
        ' font-family="sans-serif" font-size="12">',
        "<title>Errors rise from 1 % to 3 %: rollouts rolled back, by requests the canary has had</title>",
        f'<rect width="{_WIDE}" height="{_HIGH}" fill="#fff"/>',
        f'<text x="{_LEFT}" y="20" font-size="14">Errors 1 % → 3 %: share rolled back, by canary requests</text>',
    ]
    for share in (0, 0.25, 0.5, 0.75, 1):
        start, stop = place(0, share), place(_MOST, share)
        parts.append(f'<path d="M{start}L{stop}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{float(start.split(",")[1]) + 4}" text-anchor="end">{share:.0%}</text>')
    for requests in range(0, _MOST + 1, 500):
        x = _LEFT + requests * scale
        parts.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{requests:,}</text>')
    parts.append(f'<text x="{(_LEFT + right) / 2}" y="{bottom + 38}" text-anchor="middle">canary requests</text>')
    parts.append(f'<path d="M{place(least, 0)}L{place(least, 1)}" stroke="#555" stroke-dasharray="4 4"/>')
    x = _LEFT + least * scale
    parts.append(f'<text x="{x:.1f}" y="{_TOP - 4}" text-anchor="middle" fill="#555">least mean: {least:.0f}</text>')
    for number, (name, exposed) in enumerate(curves.items()):
        colour = COLOURS[number]
        steps = np.linspace(0, _MOST, 201)
        shares = [(exposed <= at).mean() for at in steps]
        points = " ".join(place(at, share) for at, share in zip(steps, shares, strict=True))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        y = _TOP + 20 + 22 * number
        parts.append(f'<path d="M{right + 14},{y}h22" stroke="{colour}" stroke-width="3"/>')
        parts.append(f'<text x="{right + 42}" y="{y + 4}">{name}</text>')
    return "\n".join([*parts, "</svg>", ""])
