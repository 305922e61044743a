"""The report's files: the page, and its JSON beside it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mcci.errors import UsageError
from mcci.rehearsal.report.html import html
from mcci.rehearsal.report.model import body

if TYPE_CHECKING:
    from pathlib import Path

    from mcci.rehearsal.report.model import Report


def write(report: Report, page: Path) -> Path:
    """Write the report to `page`, and as JSON to a file of the same name, which is returned. Raises `UsageError`."""
    machine = page.with_suffix(".json")
    if machine == page:
        raise UsageError(f"{page} is where the report's JSON goes: give the page a name that ends with .html.")
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(html(report), "utf-8")
        machine.write_text(json.dumps(body(report), indent=1, ensure_ascii=False) + "\n", "utf-8")
    except OSError as error:
        raise UsageError(f"the report cannot be written to {page}: {error.strerror or error}") from error
    return machine
