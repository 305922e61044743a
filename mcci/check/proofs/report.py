"""What was proved, as text for people and as plain values for JSON."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from math import log10
from typing import Any

from mcci.check.proofs.coverage import Coverage


def lines(covered: Sequence[Coverage], broken: Collection[str], promises: Sequence[str], seconds: float) -> list[str]:
    """Return what was covered, a line for each pipeline with those below it, and which of the promises hold."""
    found = [_line(each) for each in covered]
    if not covered:
        return [f"nothing was proved: no pipeline could be read in full; tried for {seconds:.2f} s"]
    held = [promise for promise in promises if promise not in broken]
    verdict = "as far as it could be proved" if "not-proved" in broken else "in every event"
    found.append(f"{len(held)} of {len(promises)} promises hold {verdict}; proved in {seconds:.2f} s")
    return found


def _line(each: Coverage) -> str:
    where = f"{each.branch}: " if each.branch else ""
    sets = [f"{each.events:,} events"]
    if each.settings > 1:
        sets.append(f"{_power(log10(each.settings))} settings of variables")
    if each.changes:
        sets.append(f"2^{each.changes} sets of changed files")
    if each.files:
        sets.append(f"2^{each.files} sets of files there are")
    open_ = f"; {each.undecided} questions left open" if each.undecided else ""
    size = f"{_count(each.jobs, 'job')} in {_count(each.pipelines, 'pipeline')}"
    return (
        f"{where}{each.file}: {size}, over {' × '.join(sets)} "
        f"= {_power(each.magnitude)} combinations, in {each.boxes:,} parts{open_}"
    )


def _power(magnitude: float) -> str:
    """Return ten to the power of `magnitude`, in full where it is small."""
    if magnitude < 7:
        return f"{round(10**magnitude):,}"
    whole = int(magnitude)
    return f"{10 ** (magnitude - whole):.1f}e{whole}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number:,} {noun}s"


def document(
    covered: Sequence[Coverage], broken: Collection[str], promises: Sequence[str], seconds: float
) -> dict[str, Any]:
    """Return `{seconds, promises: [{rule, holds}], covered: [...]}`; `holds`: None where that is not proved."""
    holds = True if covered and "not-proved" not in broken else None
    return {
        "seconds": round(seconds, 3),
        "promises": [{"rule": promise, "holds": False if promise in broken else holds} for promise in promises],
        "covered": [{**asdict(each), "combinations_log10": round(each.magnitude, 2)} for each in covered],
    }
