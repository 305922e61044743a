"""What a program builds from, besides the context: the Dockerfile, its .dockerignore, the secrets."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from mcci.clients.engines.labels import labelled
from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcci.clients.engines.model import Build


@contextmanager
def build_files(build: Build) -> Iterator[tuple[Path, dict[str, Path]]]:
    """Give a folder of this user's alone with the Dockerfile and its .dockerignore, and the secrets' files by id.

    Raises `UsageError` where the context is no folder.
    """
    if not build.context.is_dir():
        raise UsageError(f"the build context {build.context} is no folder. `context` in mcci.yml names it.")
    with TemporaryDirectory(prefix="mcci-build-") as name:
        folder = Path(name)
        (folder / "Dockerfile").write_text(labelled(build)[0], encoding="utf-8")
        (folder / "Dockerfile.dockerignore").write_text(build.ignore, encoding="utf-8")
        (folder / "secrets").mkdir(mode=0o700)
        secrets = {id_: folder / "secrets" / id_ for id_ in build.secrets}
        for id_, path in secrets.items():
            path.touch(mode=0o600)
            path.write_text(build.secrets[id_], encoding="utf-8")
        yield folder, secrets
