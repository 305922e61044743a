"""The job templates: mcci's own, each replaced by the user's file of the same name where there is one."""

from __future__ import annotations

from pathlib import Path

from mcci.clients import files

PACKAGED = Path(__file__).resolve().parent.parent / "templates"


def load(folder: Path) -> dict[str, tuple[str, str]]:
    """Return the templates by name, each as its file's name (for messages) and its text.

    `folder` is the user's (`templates` in mcci.yml); it need not exist. Raises `InvalidInput` for a file that cannot be
    read.
    """
    found = {path.stem: ("mcci's own " + path.name, path) for path in PACKAGED.glob("*.yml")}
    if folder.resolve() != PACKAGED.resolve():
        found |= {path.stem: (f"{folder.name}/{path.name}", path) for path in sorted(folder.glob("*.yml"))}
    return {name: (label, files.read(path).decode("utf-8", "replace")) for name, (label, path) in sorted(found.items())}
