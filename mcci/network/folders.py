"""The rendered folder on disk: what belongs in it, and what has to go."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mcci.clients import files
from mcci.network import inventory, render, shipped

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from mcci.config.model import Config
    from mcci.network.plan import Plan

EXECUTABLE = ("ansible/files/unit",)
OURS = ("ansible/inventory/host_vars/*.yml", "terraform/*.tf")  # where files come and go with the sites


def rendered(plan: Plan, config: Config, root: Path) -> dict[str, str]:
    """Return every file of the folder by path. Raises `InvalidInput` when the public key cannot be read."""
    key = ""
    if any(each.made for each in plan.members):
        key = files.read(root / config.network.public_key, limit=16384).decode("utf-8", "replace")
    return render.render(plan, shipped.packaged(), key)


def stale(folder: Path, wanted: Collection[str]) -> tuple[Path, ...]:
    """Return what an earlier render wrote and this one does not: the user's own files are none of it."""
    found = (path for pattern in OURS for path in sorted(folder.glob(pattern)))
    return tuple(path for path in found if path.relative_to(folder).as_posix() not in wanted and _is_ours(path))


def differing(texts: Mapping[Path, str]) -> tuple[Path, ...]:
    """Return the files that are not as they should be."""
    return tuple(path for path, text in texts.items() if not path.is_file() or path.read_text() != text)


def finish(folder: Path, gone: Collection[Path]) -> None:
    """Remove what is stale, and let programs be run."""
    for path in gone:
        path.unlink()
    for name in EXECUTABLE:
        with suppress(OSError):
            Path(folder, name).chmod(0o755)


def _is_ours(path: Path) -> bool:
    return path.read_text(errors="replace").startswith(inventory.HEADER)
