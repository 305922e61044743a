"""What the charts render, held against the files beside their values: a change shows as a difference to be read.

Refresh after a change with `MCCI_REFRESH=1 python -m pytest tests/charts`, then read the difference.
"""

from __future__ import annotations

import os

import pytest
import yaml

from tests.charts.rendering import CHARTS, REFRESH, Case, cases, render, run
from tests.tools.helm import Major

pytestmark = pytest.mark.service


@pytest.mark.parametrize("one", cases(), ids=lambda one: one.name)
def test_renders_as_expected(major: Major, one: Case) -> None:
    """The case's values give exactly the objects of its golden file, in the same order, with both Helms."""
    actual = render(major, one)
    if os.environ.get(REFRESH):
        one.expected.write_text(yaml.safe_dump_all(actual, sort_keys=False, width=120), encoding="utf-8")
    expected = list(yaml.safe_load_all(one.expected.read_text(encoding="utf-8")))
    assert actual == expected


@pytest.mark.parametrize("chart", ["microservice", "istio"])
def test_lints_clean_by_itself(major: Major, chart: str) -> None:
    """`helm lint --strict` finds nothing in a chart without any values, though an install would ask for some."""
    done = run(major, "lint", "--strict", str(CHARTS / chart))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 chart(s) failed" in done.stdout


@pytest.mark.parametrize("one", cases(), ids=lambda one: one.name)
def test_lints_clean(major: Major, one: Case) -> None:
    """`helm lint --strict` finds nothing to warn of in the case."""
    done = run(
        major,
        "lint",
        "--strict",
        str(one.chart),
        "--values",
        str(one.folder / "values.yaml"),
        "--kube-version",
        one.kube_version,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]" not in done.stdout
    assert "[ERROR]" not in done.stdout
