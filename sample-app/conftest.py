"""Makes the services importable from their source folders: `pytest sample-app` needs no installation of them."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
for folder in (ROOT, *sorted(ROOT.glob("*/src"))):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
