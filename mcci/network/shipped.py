"""The Terraform modules and Ansible roles that ship with mcci (`infra/`)."""

from __future__ import annotations

from pathlib import Path

import mcci
from mcci.errors import McciError

PARTS = ("terraform/modules", "ansible")
SKIPPED = {".terraform", "__pycache__", "inventory"}


def packaged() -> dict[str, str]:
    """Return the files of mcci's infrastructure code, by path. Raises `McciError` where they were not installed."""
    folder = Path(mcci.__file__).with_name("infra")
    found = [path for part in PARTS for path in sorted(Path(folder, part).rglob("*")) if path.is_file()]
    kept = [path for path in found if not SKIPPED & set(path.relative_to(folder).parts)]
    if not kept:
        raise McciError(f"this installation of mcci lacks its infrastructure code ({folder}): install it again.")
    return {path.relative_to(folder).as_posix(): path.read_text() for path in kept}
