"""`mcci sync --merge-request` against a small GitLab on loopback: git over HTTP and API v4."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.service.sync import project as projects
from tests.service.sync import stub
from tests.service.sync.project import CONFIG, Project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MORE = CONFIG.replace("cart: {}", "cart: {}\n  orders: {}")
ALL = {(f"mcci/sync-{branch}", branch) for branch in projects.BRANCHES}


@pytest.fixture(name="gitlab")
def _gitlab(tmp_path: Path) -> Iterator[stub.GitLab]:
    with stub.running(tmp_path / "repositories") as gitlab:
        yield gitlab


@pytest.fixture(name="online")
def _online(synced: Project, gitlab: stub.GitLab) -> Project:
    """Return a project on the stub whose mcci.yml has changed, here only."""
    bare = gitlab.repositories / "group" / "shop.git"
    bare.parent.mkdir(parents=True)
    synced.origin.rename(bare)
    synced.git("config", "http.receivepack", "true", folder=bare)
    synced.git("remote", "set-url", "origin", f"{gitlab.url}/group/shop.git")
    synced.git("checkout", "--quiet", "-b", "feature")
    synced.commit(mcci_yml=MORE)
    return Project(synced.work, bare, {"GITLAB_TOKEN": stub.TOKEN})


def test_opened(online: Project, gitlab: stub.GitLab) -> None:
    """Every branch that differs gets a branch to merge and a merge request; the branches themselves do not move."""
    before = online.branches(folder=online.origin)
    done = online.sync("--merge-request")
    assert gitlab.open_ones() == ALL
    after = online.branches(folder=online.origin)
    assert before.items() <= after.items()
    for branch in projects.BRANCHES:
        assert online.git("show", f"mcci/sync-{branch}:mcci.yml", folder=online.origin) == MORE.strip()
        assert online.git("rev-parse", f"mcci/sync-{branch}^", folder=online.origin) == before[f"refs/heads/{branch}"]
    assert all(each["remove_source_branch"] for each in gitlab.merge_requests)
    assert all(each["web_url"] in done.out for each in gitlab.merge_requests)


def test_again(online: Project, gitlab: stub.GitLab) -> None:
    """Run again, nothing is pushed and no second merge request is opened."""
    online.sync("--merge-request")
    before = online.branches(folder=online.origin)
    online.sync("--merge-request")
    assert online.branches(folder=online.origin) == before
    assert len(gitlab.merge_requests) == 3


def test_updated(online: Project, gitlab: stub.GitLab) -> None:
    """A further change replaces the commit that waits, and the open merge requests are kept."""
    online.sync("--merge-request")
    online.commit(mcci_yml=MORE.replace("orders", "invoices"))
    online.sync("--merge-request")
    assert len(gitlab.merge_requests) == 3
    assert "invoices" in online.git("show", "mcci/sync-development:mcci.yml", folder=online.origin)
    assert online.git("rev-list", "--count", "development..mcci/sync-development", folder=online.origin) == "1"


def test_somebody_elses_commits(online: Project, gitlab: stub.GitLab) -> None:
    """A branch to merge that a person has added to is not overwritten."""
    online.sync("--merge-request")
    online.git("checkout", "--quiet", "-b", "fix", "origin/mcci/sync-development")
    online.commit(mine="1\n")
    theirs = online.git("rev-parse", "HEAD")
    online.git(
        *("-c", f"http.{gitlab.url}/.extraHeader=Authorization: Basic {_basic()}"),
        *("push", "--quiet", "origin", "fix:mcci/sync-development"),
    )
    online.git("checkout", "--quiet", "feature")
    online.commit(mcci_yml=MORE.replace("orders", "invoices"))
    done = online.mcci("sync", "--merge-request")
    assert (done.code, "did not make" in done.err) == (1, True)
    assert online.branches(folder=online.origin)["refs/heads/mcci/sync-development"] == theirs


def test_missing_branch_is_pushed(online: Project, gitlab: stub.GitLab) -> None:
    """A branch that the remote lacks has nothing to be merged into: it is pushed itself."""
    online.git("update-ref", "-d", "refs/heads/deployment", folder=online.origin)
    done = online.sync("--merge-request")
    assert gitlab.open_ones() == ALL - {("mcci/sync-deployment", "deployment")}
    assert "deployment   created, pushed" in done.out
    assert "charts/istio/Chart.yaml" in online.files("deployment", folder=online.origin)


def test_dry_run(online: Project, gitlab: stub.GitLab) -> None:
    """A dry run pushes and opens nothing, and needs no token for the API."""
    before = online.branches(folder=online.origin)
    assert online.mcci("sync", "--merge-request", "--dry-run").code == 0
    assert online.branches(folder=online.origin) == before
    assert not [request for request in gitlab.requests if "/api/" in request]


def test_resumed(online: Project, gitlab: stub.GitLab) -> None:
    """When GitLab fails half-way, what is missing is made by the next run."""
    gitlab.fail = [400]
    assert online.mcci("sync", "--merge-request").code == 2
    assert gitlab.open_ones() == set()
    online.sync("--merge-request")
    assert gitlab.open_ones() == ALL


def test_transient(online: Project, gitlab: stub.GitLab) -> None:
    """A server error that passes is not seen."""
    gitlab.fail = [502, 503]
    online.sync("--merge-request")
    assert gitlab.open_ones() == ALL


class TestRefused:
    """What GitLab refuses is said with what to do; the token is never shown."""

    @pytest.mark.parametrize(
        ("codes", "exit_code", "words"),
        [
            ([401], 2, "does not take the token"),
            ([403], 2, "scope `api`"),
            ([404], 2, "project 'group/shop'"),
            ([500] * 9, 3, "failed (500"),
        ],
    )
    def test_api(self, online: Project, gitlab: stub.GitLab, codes: list[int], exit_code: int, words: str) -> None:
        """A token refused, rights missing, a project unknown, a server broken."""
        gitlab.fail = codes
        done = online.mcci("sync", "--merge-request")
        assert (done.code, words in done.err) == (exit_code, True), done.err
        assert stub.TOKEN not in done.out + done.err

    def test_wrong_token(self, online: Project, gitlab: stub.GitLab) -> None:
        """Git is refused before the API is asked."""
        done = online.mcci("sync", "--merge-request", GITLAB_TOKEN="glpat-wrong")
        assert done.code == 2
        assert "cannot use the remote origin" in done.err
        assert "glpat-wrong" not in done.out + done.err

    def test_no_token(self, online: Project) -> None:
        """Without a token the message names the variable and the scope."""
        done = online.mcci("sync", "--merge-request", GITLAB_TOKEN="")
        assert (done.code, "GITLAB_TOKEN" in done.err) == (2, True)

    def test_token_in_url(self, online: Project, gitlab: stub.GitLab) -> None:
        """Credentials in the remote's URL are neither used beside the token nor shown."""
        online.git("remote", "set-url", "origin", f"{gitlab.url}/group/shop.git".replace("//", "//user:hidden@"))
        online.sync("--merge-request")
        assert gitlab.open_ones() == ALL
        done = online.mcci("sync", "--merge-request", GITLAB_TOKEN="glpat-wrong")
        assert "hidden" not in done.out + done.err


def _basic() -> str:
    from base64 import b64encode

    return b64encode(f"oauth2:{stub.TOKEN}".encode()).decode()
