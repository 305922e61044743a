"""The town and the vehicles in it: the same for the same seed, and always on a road."""

from __future__ import annotations

import math

import pytest

from position_simulator.fleet import Fleet
from position_simulator.geography import town_as_json
from position_simulator.roads import Town, make_town


@pytest.fixture(scope="module")
def town() -> Town:
    """One town."""
    return make_town(7)


def test_same_seed_same_town(town: Town) -> None:
    """A town depends on its seed alone, and on all of it."""
    assert make_town(7) == town
    assert make_town(8) != town


@pytest.mark.parametrize("seed", range(12))
def test_every_crossing_leads_everywhere_and_none_is_blind(seed: int) -> None:
    """From each crossing at least two roads lead away, and all crossings can be reached."""
    leaving = make_town(seed).leaving
    assert min(len(edges) for edges in leaving) >= 2
    seen, waiting = {0}, [0]
    while waiting:
        fresh = {edge.end for edge in leaving[waiting.pop()]} - seen
        seen |= fresh
        waiting += fresh
    assert len(seen) == len(leaving)


def test_same_seed_same_journeys(town: Town) -> None:
    """Where a vehicle is depends on seed and time alone; another seed drives elsewhere."""
    fleets = [Fleet(town, 20, seed) for seed in (7, 7, 8)]
    for fleet in fleets:
        for _ in range(300):
            fleet.move(0.1)
    first, again, other = (fleet.positions() for fleet in fleets)
    assert first == again
    assert first != other


def test_vehicles_keep_to_the_roads_and_to_a_sane_speed(town: Town) -> None:
    """A vehicle is always on its stretch of road, and never jumps."""
    fleet = Fleet(town, 50, 3)
    before = [vehicle.place() for vehicle in fleet.vehicles]
    for _ in range(600):
        fleet.move(0.1)
        after = [vehicle.place() for vehicle in fleet.vehicles]
        moved = [math.dist(a, b) for a, b in zip(before, after, strict=True)]
        assert max(moved) < 2.2
        assert all(0 <= vehicle.offset <= vehicle.edge.length for vehicle in fleet.vehicles)
        before = after
    assert all(vehicle.edge in town.leaving[vehicle.edge.start] for vehicle in fleet.vehicles)


def test_a_fleet_of_two_sizes_shares_its_first_vehicles(town: Town) -> None:
    """More vehicles do not change the journeys of those already there."""
    few, many = Fleet(town, 5, 7), Fleet(town, 50, 7)
    assert few.positions().items() <= many.positions().items()


def test_map_holds_all_that_is_drawn(town: Town) -> None:
    """Every road's points lie within the bounds, and there are a river and parks."""
    drawn = town_as_json(town)
    west, south, east, north = drawn["bounds"]
    for road in drawn["roads"]:
        assert all(west <= lon <= east for lon in road["points"][::2])
        assert all(south <= lat <= north for lat in road["points"][1::2])
    assert (len(drawn["parks"]), len(drawn["blocks"])) == (9, 71)
    assert len(drawn["river"]) > 20
