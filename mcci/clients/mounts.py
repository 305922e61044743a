"""What is mounted on this machine."""

from __future__ import annotations

import subprocess
from pathlib import Path


def unmount_below(folder: Path) -> None:
    """Unmount all that is mounted below `folder`, the innermost first."""
    table = Path("/proc/self/mounts")
    mounted = [line.split()[1] for line in table.read_text().splitlines()] if table.exists() else []
    for path in reversed(mounted):
        if path.startswith(f"{folder}/"):
            subprocess.run(["umount", "-l", path], check=False, capture_output=True)
