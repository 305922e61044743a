"""The thesis's listings 4.1 to 4.5 come out of the istio chart by values alone.

Each case keeps the listing beside its values, brought up to date: apiVersion v1, and four slips of indentation put
right (4.1 endpoints under spec, 4.2 the pool under connectionPool, 4.3 host under destination, 4.5 host and
subset under destination, with weight beside it).
"""

from __future__ import annotations

import pytest
import yaml

from tests.charts.rendering import CASES, case, render
from tests.tools.helm import Major

pytestmark = pytest.mark.service

LISTINGS = sorted(path.parent.name for path in CASES.glob("istio/listing-*/listing.yaml"))


def test_every_listing_is_there() -> None:
    """The five listings of chapter 4 that are Istio objects each have a case."""
    assert [f"listing-4.{number}" for number in range(1, 6)] == LISTINGS


@pytest.mark.parametrize("name", LISTINGS)
def test_listing(major: Major, name: str) -> None:
    """The values render one object, with the listing's kind, name and specification."""
    one = case(f"istio/{name}")
    listing = yaml.safe_load((one.folder / "listing.yaml").read_text(encoding="utf-8"))
    (actual,) = render(major, one)
    actual["metadata"] = {"name": actual["metadata"]["name"]}
    assert actual == listing
