"""The Helm charts that ship with mcci."""

from __future__ import annotations

from pathlib import Path

import mcci
from mcci.errors import McciError

CHARTS = ("microservice", "istio")
DEFINITIONS = "crds"


def packaged() -> dict[str, bytes]:
    """Return the files of mcci's charts, by path below the charts' folder."""
    folder = Path(mcci.__file__).with_name("charts")
    files = [path for chart in CHARTS for path in sorted(Path(folder, chart).rglob("*")) if path.is_file()]
    if not files:
        raise McciError(f"this installation of mcci lacks its charts ({folder}): install it again.")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def definitions() -> Path:
    """Return the folder with the definitions of Istio's kinds. Raises `McciError` where it was not installed."""
    folder = Path(mcci.__file__).with_name("charts") / DEFINITIONS
    if not any(folder.glob("*.yaml")):
        raise McciError(
            f"this installation of mcci lacks the definitions of Istio's kinds ({folder}): install it again."
        )
    return folder
