"""A local GitLab with a project, its people, and a way to push."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from mcci.rehearsal.gitlab.model import Access, User
from mcci.rehearsal.gitlab.server import Server
from mcci.rehearsal.gitlab.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

MAINTAINER = User(id=1, login="ada", name="Ada", email="ada@example.com")
DEVELOPER = User(id=2, login="dev", name="Dev", email="dev@example.com", access=Access.DEVELOPER)
GUEST = User(id=3, login="guest", name="Guest", email="guest@example.com", access=Access.GUEST)


def git(folder: Path, *arguments: str) -> str:
    """Run git as a developer would."""
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0",
                   "GIT_AUTHOR_NAME": "Dev", "GIT_AUTHOR_EMAIL": "dev@example.com",
                   "GIT_COMMITTER_NAME": "Dev", "GIT_COMMITTER_EMAIL": "dev@example.com"}  # fmt: skip
    done = subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def remote(site: Site, user: User) -> str:
    """Return the repository's address with a user's token."""
    return f"{site.url.replace('://', f'://{user.login}:{user.token}@')}/{site.settings.path}.git"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Serve a GitLab with an empty project and three users."""
    found = Site(tmp_path / "gitlab", path="vehicles/app", users=[MAINTAINER, DEVELOPER, GUEST])
    with Server(found):
        yield found


@pytest.fixture
def pushed(site: Site, tmp_path: Path) -> Callable[[Mapping[str, str]], Path]:
    """Return what pushes files to main, as the maintainer, and gives the checkout."""
    folder = tmp_path / "checkout"

    def push(files: Mapping[str, str]) -> Path:
        if not folder.exists():
            folder.mkdir()
            git(folder, "init", "-q", "-b", "main")
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        git(folder, "add", ".")
        git(folder, "commit", "-qm", "a change")
        git(folder, "push", "-q", remote(site, MAINTAINER), "main")
        return folder

    return push
