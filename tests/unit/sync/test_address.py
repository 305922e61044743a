"""Which GitLab project a git remote's URL means."""

from __future__ import annotations

import pytest

from mcci import job
from mcci.clients.git_remote import Remote
from mcci.clients.gitlab import Project, address


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://gitlab.com/group/sub/shop.git", ("https://gitlab.com", "group/sub/shop")),
        ("https://gitlab-ci-token:abc@gitlab.example/group/shop", ("https://gitlab.example", "group/shop")),
        ("http://127.0.0.1:8080/group/shop.git/", ("http://127.0.0.1:8080", "group/shop")),
        ("git@gitlab.example:group/shop.git", ("https://gitlab.example", "group/shop")),
        ("ssh://git@gitlab.example:2222/group/shop.git", ("https://gitlab.example", "group/shop")),
        ("/srv/git/shop.git", None),
        ("../shop.git", None),
        ("file:///srv/git/shop.git", None),
        ("shop", None),
    ],
)
def test_address(url: str, expected: tuple[str, str] | None) -> None:
    """The server and the project's path, without credentials and without ssh's port; a folder means none."""
    assert address(url) == expected


def test_secrets_hide() -> None:
    """Neither a token nor a URL that may hold one is shown when a value is."""
    secret = "glpat-secret"
    shown = repr(
        [
            job.read({"GITLAB_TOKEN": secret}),
            Project(server_url="https://gitlab.example", path="group/shop", token=secret),
            Remote(name="origin", url=f"https://oauth2:{secret}@gitlab.example/", environment={"X": secret}),
        ]
    )
    assert secret not in shown
