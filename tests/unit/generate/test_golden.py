"""Golden files: each folder in `cases/` holds an mcci.yml and, in `expected/`, every file it generates.

Refresh after a change with `MCCI_REFRESH=1 python -m pytest tests/unit/generate`, then read the difference.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.unit.generate.generated import CASES, ROOT, make

if TYPE_CHECKING:
    from pathlib import Path

FOLDERS = sorted(path.parent for path in CASES.glob("*/mcci.yml"))


def listed(case: Path) -> dict[str, str]:
    """Return the expected files of a case, as `branch/path`."""
    top = case / "expected"
    return {str(path.relative_to(top)): path.read_text() for path in sorted(top.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("case", FOLDERS, ids=lambda case: case.name)
def test_golden(case: Path) -> None:
    """A configuration generates exactly the files beside it."""
    generated = make((case / "mcci.yml").read_text())
    result = {f"{branch}/{path}": text for branch, each in generated.files.items() for path, text in each.items()}
    if os.environ.get("MCCI_REFRESH"):
        shutil.rmtree(case / "expected", ignore_errors=True)
        for path, text in result.items():
            (case / "expected" / path).parent.mkdir(parents=True, exist_ok=True)
            (case / "expected" / path).write_text(text)
    assert result == listed(case)


def test_sample_application_fits_on_a_screen() -> None:
    """The sample's whole mcci.yml is at most 40 lines."""
    assert len((ROOT / "sample-app" / "mcci.yml").read_text().splitlines()) <= 40
