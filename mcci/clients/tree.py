"""A repository's files, listed for `mcci init`."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from mcci.clients import files
from mcci.config.discover.tree import Tree, is_looked_at, is_read
from mcci.errors import InvalidInput, UsageError

MAX_BYTES = 256 * 1024


def tree(root: Path) -> Tree:
    """Return the files below `root`, without following symbolic links, and the texts of those that say what is built.

    Raises `UsageError` when `root` is no folder that can be read.
    """
    paths: set[str] = set()
    texts: dict[str, str] = {}
    if not root.is_dir():
        raise UsageError(f"{root} is no folder.")
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(each for each in folders if is_looked_at(each))
        for name in sorted(names):
            file = Path(folder, name)
            path = file.relative_to(root).as_posix()
            paths.add(path)
            if is_read(path) and file.is_file() and not file.is_symlink():
                with suppress(InvalidInput):
                    texts[path] = files.read(file, limit=MAX_BYTES).decode(errors="replace")
    return Tree(paths=frozenset(paths), texts=texts)
