"""The build context: the files below a folder that a .dockerignore lets through, as the docker SDK reads one.

Source: https://docs.docker.com/build/concepts/context/#dockerignore-files
"""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

DOCKERFILE = ".mcci.Dockerfile"  # a name of its own: the text sent is not the file's, its base images are pinned


def patterns(text: str) -> list[str]:
    """Return a .dockerignore's patterns."""
    lines = (line.strip() for line in text.removeprefix("\ufeff").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def ignored(text: str, paths: Iterable[str]) -> frozenset[str]:
    """Return those of `paths`, relative to the context's folder, that a .dockerignore of this text keeps out."""
    if not patterns(text):
        return frozenset()
    from docker.utils.build import PatternMatcher

    matcher = PatternMatcher(patterns(text))
    return frozenset(path for path in paths if matcher.matches(path))


def archive(folder: Path, ignore: str, dockerfile: str) -> IO[bytes]:
    """Return the context as a tar file that ends with its last reader; the Dockerfile in it is called `DOCKERFILE`.

    Raises `UsageError` for a folder that is not there or cannot be read.
    """
    from docker.utils.build import tar

    if not folder.is_dir():
        raise UsageError(f"the build context {folder} is no folder. `context` in mcci.yml names it.")
    try:
        found: Any = tar(str(folder), exclude=patterns(ignore), dockerfile=(DOCKERFILE, dockerfile), gzip=False)
    except OSError as error:
        raise UsageError(f"the build context {folder} cannot be read: {error.__cause__ or error}.") from error
    result: IO[bytes] = found
    return result
