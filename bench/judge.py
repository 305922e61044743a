"""The judge on simulated rollouts, beside Flagger's checks, Kayenta's judge, the mixture SPRT and the multinomial one.

`python bench/judge.py [--json] [--quick] [--write]` needs numpy. Every row is 2,000 rollouts or more from a fixed seed,
and all judges are told the same scrapes, one every 10 seconds. mcci's own is done for all rollouts at once in numpy
(`judging/ours.py`); for some rollouts of every row the real one is asked too, look by look, and must hold the same
evidence. `--write` puts the table and the plot into docs/explanation/.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import sys
import time
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from bench.judging import cases, figure  # noqa: E402 - found on the path added above
from bench.judging.ours import Judge  # noqa: E402
from bench.judging.peers import ALPHA, Flagger, Kayenta, MixtureSprt, Multinomial, Peer  # noqa: E402
from bench.judging.real import Real  # noqa: E402
from bench.judging.worlds import LOOK, World, history, scrapes  # noqa: E402
from mcci.config.canary import Analysis  # noqa: E402

if TYPE_CHECKING:
    from bench.judging.worlds import Array

NAMES = ("mcci", "Flagger 99 %", "Flagger 98 %", "Kayenta", "mixture SPRT", "multinomial")
CHECKED = 2  # rollouts of each row that the real judge is asked about, too
ONE = (10,)  # one step, at 10 %


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of the table: a world, and what a judge is to do in it."""

    name: str
    world: World
    alike: bool = False
    rollouts: int = 2000
    target: str = ""


def waves(seconds: float, depth: float, seed: int) -> Any:
    """Return a factor that swings slowly, each rollout in a phase of its own."""

    def factor(_: np.random.Generator, look: int, rollouts: int) -> Array:
        phase = np.random.default_rng(seed).uniform(0, 2 * np.pi, rollouts)
        return np.asarray(np.exp(depth * np.sin(2 * np.pi * look * LOOK / seconds + phase)))

    return factor


def incidents(rng: np.random.Generator, look: int, rollouts: int) -> Array:
    """Return a base rate that swings, and for half a minute in twenty is five times as high, for both versions."""
    del rng
    start = np.random.default_rng(9).integers(0, 120, rollouts)
    return np.asarray(waves(1800, 0.7, 8)(None, look, rollouts) * np.where((look - start) % 120 < 3, 5, 1))


def bursts(rng: np.random.Generator, look: int, rollouts: int) -> Array:
    """Return a load that is tenfold in one scrape of twenty."""
    del look
    return np.where(rng.random(rollouts) < 0.05, 10.0, 0.6)


def four(bad: int) -> World:
    """Return a world of four clusters, so many of them with a worse canary."""
    return World(canary_errors=0.03, steps=ONE, clusters=4, bad_clusters=bad)


PODS: Any = {"pods": 9, "canary_pods": 1, "history": 90}
ROWS = (
    Row(name="alike", world=World(), alike=True, rollouts=4000, target="≤ 1 %"),
    Row(
        name="alike, load and base rate drift",
        world=World(errors=0.004, canary_errors=0.004, load=waves(1500, 0.9, 5), base=incidents),
        alike=True,
        rollouts=4000,
        target="≤ 1 %",
    ),
    Row(name="alike, 1 request/s", world=World(rate=1.0), alike=True, rollouts=4000, target="≤ 1 %"),
    Row(name="alike, bursts of load", world=World(load=bursts), alike=True, rollouts=4000, target="≤ 1 %"),
    Row(name="alike, heavy tails", world=World(pareto=1.2), alike=True, rollouts=4000, target="≤ 1 %"),
    Row(
        name="alike, counters reset and scrapes missed",
        world=World(steps=ONE, resets=0.03),
        alike=True,
        rollouts=4000,
        target="≤ 1 %",
    ),
    Row(
        name="alike, four clusters",
        world=World(clusters=4, steps=(10, 25)),
        alike=True,
        rollouts=4000,
        target="≤ 1 %",
    ),
    Row(
        name="alike, pods stumble",
        world=World(**PODS, steps=(10, 25), stumbles=0.01),
        alike=True,
        rollouts=4000,
        target="≤ 1 %",
    ),
    Row(
        name="alike, pods stall",
        world=World(**PODS, steps=(10, 25), stumbles=0.01, stalls=True),
        alike=True,
        rollouts=4000,
        target="≤ 1 %",
    ),
    Row(
        name="alike, pods stumble and are not known",
        world=World(**PODS, steps=(10, 25), stumbles=0.01, pods_known=False),
        alike=True,
    ),
    Row(name="errors 1 % → 3 %", world=World(canary_errors=0.03, steps=ONE), rollouts=4000, target="≤ 550"),
    Row(name="errors 1 % → 2 %", world=World(canary_errors=0.02, steps=ONE)),
    Row(name="errors 1 % → 10 %", world=World(canary_errors=0.10, steps=ONE)),
    Row(name="errors 0.1 % → 0.5 %", world=World(errors=0.001, canary_errors=0.005, steps=ONE)),
    Row(name="errors 1 % → 3 %, bursts of load", world=World(canary_errors=0.03, steps=ONE, load=bursts)),
    Row(
        name="errors 1 % → 3 %, load and base rate drift",
        world=World(canary_errors=0.03, steps=ONE, load=waves(1500, 0.9, 5), base=waves(1800, 1.0, 8)),
    ),
    Row(name="errors 1 % → 3 %, counters reset", world=World(canary_errors=0.03, steps=ONE, resets=0.03)),
    Row(
        name="errors 1 % → 3 % after 15 min",
        world=World(canary_errors=0.03, steps=(10, 25, 50), from_look=90),
        rollouts=4000,
    ),
    Row(name="errors 1 % → 20 %, 1 request/s", world=World(rate=1.0, canary_errors=0.2, steps=ONE, each=180)),
    Row(
        name="one bad pod of ten (it fails 30 %)",
        world=World(pods=9, canary_pods=10, bad_pod=0.3, steps=ONE),
    ),
    Row(name="errors 1 % → 3 % in four clusters", world=four(4)),
    Row(name="errors 1 % → 10 % in one of four clusters", world=replace(four(1), canary_errors=0.1)),
    Row(name="latency +30 %", world=World(slow=1.3, steps=ONE)),
    Row(name="latency +30 %, slowest tenth only", world=World(tail=1.3, steps=ONE)),
    Row(name="latency +30 %, heavy tails", world=World(slow=1.3, pareto=1.2, steps=ONE)),
)


@dataclass
class Result:
    """What one judge did in a row: when each rollout was rolled back (looks, or none), and what it cost."""

    looks: Array
    exposed: Array
    horizon: int
    first: int = 0
    extra: dict[str, float] = field(default_factory=dict)

    def figures(self) -> dict[str, Any]:
        """The figures of the table."""
        caught = self.looks >= 0
        early = caught & (self.looks < self.first)
        after = caught & ~early
        return {
            "rolled_back": round(float(after.mean()), 4),
            "too_early": round(float(early.mean()), 4),
            "exposed_mean": round(float(self.exposed[~early].mean()), 1),
            "exposed_median": float(np.median(self.exposed[~early])),
            "seconds_median": float(np.median(self.looks[after] + 1 - self.first) * LOOK) if after.any() else None,
            **self.extra,
        }


def play(row: Row, rollouts: int, seed: int) -> dict[str, Result]:
    """Return every judge's result on the same rollouts."""
    ours, real = Judge(rollouts, Analysis(), row.world.clusters), Real(CHECKED, Analysis())
    peers: dict[str, Peer] = dict(
        zip(
            NAMES[1:],
            (
                Flagger(rollouts),
                Flagger(rollouts, 98.0),
                Kayenta(rollouts),
                MixtureSprt(rollouts),
                Multinomial(rollouts),
            ),
            strict=True,
        )
    )
    looks = {name: np.full(rollouts, -1) for name in NAMES}
    exposed = {name: np.zeros(rollouts) for name in NAMES}
    for number, scrape in enumerate(history(row.world, rollouts, seed)):
        ours.learn(scrape)
        real.learn(number, scrape)
    for number, scrape in enumerate(scrapes(row.world, rollouts, seed)):
        for name in NAMES:
            on = looks[name] < 0
            if not on.any():
                continue
            if number >= row.world.from_look:
                exposed[name] += np.where(on, scrape.canary, 0)
            if name == "mcci":
                failed = ours.look(scrape, on)
                real.check(number, scrape, on, ours.purse(), failed)
            else:
                failed = peers[name].look(scrape, row.world.weight(number))
            looks[name][on & failed] = number
        if not row.alike and all((own >= 0).all() for own in looks.values()):
            break
    return {name: Result(looks[name], exposed[name], row.world.looks, row.world.from_look) for name in NAMES}


def bound(world: World) -> float | None:
    """The canary requests that any test needs on average to be sure: ln(1/alpha) over what one of them tells."""
    if (
        world.clusters > 1
        or world.canary_errors == world.errors
        or world.load
        or world.base
        or world.bad_pod
        or len(world.steps) > 1
    ):
        return None
    share = world.weight(0) / 100
    own, other = world.canary_errors * share, world.errors * (1 - share)
    part = own / (own + other)
    tells = part * math.log(part / share) + (1 - part) * math.log((1 - part) / (1 - share))
    return math.log(1 / ALPHA) / (tells * (own + other) / share)


def main() -> None:
    """Measure and print; the exit code is 1 when a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="200 rollouts a row")
    parser.add_argument("--write", action="store_true", help="write the table and the plot into docs/explanation")
    parser.add_argument("--row", default="", help="only the rows with this in their names")
    options = parser.parse_args()
    began = time.perf_counter()
    measured: dict[str, Any] = {}
    curves: dict[str, Array] = {}
    for row in ROWS:
        if options.row not in row.name:
            continue
        seed = zlib.crc32(row.name.encode()) % 10_000  # a row's own, whatever rows there are beside it
        results = play(row, 200 if options.quick else row.rollouts, seed)
        least = bound(row.world)
        measured[row.name] = {
            "rollouts": 200 if options.quick else row.rollouts,
            "alike": row.alike,
            "target": row.target,
            "lower_bound": least and round(least, 1),
            "judges": {name: result.figures() for name, result in results.items()},
        }
        if row.name == "errors 1 % → 3 %":
            curves = {name: np.where(result.looks >= 0, result.exposed, np.inf) for name, result in results.items()}
        if not options.json:
            print(figure.line(row.name, measured[row.name]), flush=True)
    told = cases.all_cases()
    report = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "seconds": round(time.perf_counter() - began, 1),
        "rows": measured,
        "cases": told,
        "missed": figure.missed(measured) + [name for name, case in told.items() if not case["as_wanted"]],
    }
    if options.json:
        print(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        print(figure.summary(report))
    if options.write and curves:
        least = measured["errors 1 % → 3 %"]["lower_bound"]
        figure.write(REPOSITORY / "docs" / "explanation", report, curves, float(least or 0))
    sys.exit(1 if report["missed"] and not options.quick else 0)


if __name__ == "__main__":
    main()
