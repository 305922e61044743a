"""`mcci sync` as a person runs it: commits to local branches, the checkout untouched."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.service.sync.project import BRANCHES, CONFIG, MCCI, Project

if TYPE_CHECKING:
    from pathlib import Path

MORE = CONFIG.replace("cart: {}", "cart: {}\n  orders: {}")


def outcomes(text: str) -> dict[str, str]:
    return {each["branch"]: each["outcome"] for each in json.loads(text)["branches"]}


def test_created(project: Project) -> None:
    """Missing branches appear: development with the default branch's code, deployment with charts and no code."""
    project.sync()
    assert project.files("development") == [".gitlab-ci.yml", "cart/Dockerfile", "develop-gitlab-ci.yml", "mcci.yml"]
    deployment = project.files("deployment")
    assert {".gitlab-ci.yml", "deploy-gitlab-ci.yml", "mcci.yml"} == {name for name in deployment if "/" not in name}
    assert "charts/microservice/Chart.yaml" in deployment
    assert "charts/istio/Chart.yaml" in deployment
    assert not [name for name in deployment if name.startswith("cart/")]
    parents = {project.git("rev-parse", f"{branch}:.gitlab-ci.yml") for branch in ("development", "deployment")}
    assert len(parents) == 1
    assert project.git("rev-list", "--count", "master..development") == "1"
    assert project.git("rev-list", "--count", "deployment") == "1"


def test_own_charts(project: Project) -> None:
    """The default branch's own charts seed a new deployment branch instead of mcci's."""
    project.commit(charts__mine__Chart_yml="name: mine\n")
    project.sync()
    charts = [name for name in project.files("deployment") if name.startswith("charts/")]
    assert charts == ["charts/mine/Chart.yml"]


def test_checkout_untouched(project: Project) -> None:
    """Index, HEAD and files are as they were, staged and unstaged work and a dirty index included."""
    (project.work / "cart" / "Dockerfile").write_text("FROM changed\n")
    project.git("add", "cart/Dockerfile")
    (project.work / "cart" / "Dockerfile").write_text("FROM changed again\n")
    (project.work / "untracked").write_text("mine\n")
    before = project.checkout_state()
    project.sync()
    assert project.checkout_state() == before
    assert project.git("worktree", "list").count("\n") == 0


def test_second_run_changes_nothing(project: Project) -> None:
    """Run again, no ref moves, whether the changes are on the branches or still wait to be merged."""
    project.sync()
    before = project.branches()
    done = project.sync()
    assert project.branches() == before
    assert "development  up to date" in done.out


def test_checked_out_branch_waits(project: Project) -> None:
    """A branch that is checked out does not move; its commit waits on a branch that one command merges."""
    master = project.git("rev-parse", "master")
    done = project.sync()
    assert project.git("rev-parse", "master") == master
    assert "git merge --ff-only mcci/sync-master" in done.err
    project.git("merge", "--quiet", "--ff-only", "mcci/sync-master")
    assert project.git("status", "--porcelain") == ""
    assert set(outcomes(project.sync("--format", "json").out).values()) == {"up-to-date"}
    assert "refs/heads/mcci/sync-master" not in project.branches()


def test_other_worktree(synced: Project, tmp_path: Path) -> None:
    """A branch that is checked out in another worktree is left alone there too."""
    synced.git("branch", "development", "origin/development")
    synced.git("worktree", "add", "--quiet", str(tmp_path / "other"), "development")
    synced.commit(mcci_yml=MORE)
    synced.sync()
    assert synced.git("status", "--porcelain", folder=tmp_path / "other") == ""
    assert synced.git("log", "-1", "--format=%s", "mcci/sync-development").startswith("Bring the pipelines")


def test_generated_in_checkout(project: Project) -> None:
    """When the files are written already but not committed, that is what is said, and no commit is made for them."""
    project.mcci("generate", "--branch", "master")
    done = project.sync()
    assert "git add -A .gitlab-ci.yml" in done.err
    assert "refs/heads/mcci/sync-master" not in project.branches()


def test_on_a_feature_branch(synced: Project) -> None:
    """From any other branch all three are brought up to date, the default branch too."""
    synced.git("checkout", "--quiet", "-b", "feature")
    synced.commit(mcci_yml=MORE)
    before = synced.checkout_state()
    synced.sync()
    assert synced.checkout_state() == before
    for branch in BRANCHES:
        assert synced.git("show", f"{branch}:mcci.yml") == MORE.strip()


def test_old_copy_refused(synced: Project) -> None:
    """A stale copy of mcci.yml on another branch never overwrites the source on the default branch."""
    synced.commit(mcci_yml=MORE)
    synced.git("checkout", "--quiet", "-b", "deployment", "origin/deployment")
    before = synced.branches()
    done = synced.mcci("sync")
    assert done.code == 2
    assert "git switch master" in done.err
    assert synced.branches() == before


def test_stale_files_removed(synced: Project) -> None:
    """Files that mcci generated and no longer generates go; the user's own stay, whatever they are called."""
    header = "# Generated by mcci 0.0.1 with `mcci generate`.\n"
    synced.git("checkout", "--quiet", "-b", "development", "origin/development")
    synced.commit(old_yml=header, own_yml="mine: 1\n", **{"old-gitlab-ci__1_yml": header, "tests__1_yml": "mine: 1\n"})
    synced.git("checkout", "--quiet", "master")
    done = synced.sync("--format", "json")
    changes = next(each for each in json.loads(done.out)["branches"] if each["branch"] == "development")["changes"]
    assert changes == [
        {"path": "old-gitlab-ci/1.yml", "kind": "removed"},
        {"path": "old.yml", "kind": "removed"},
    ]
    assert {"own.yml", "tests/1.yml"} <= set(synced.files("development"))
    assert "old.yml" not in synced.files("development")


def test_ahead_and_behind(synced: Project, tmp_path: Path) -> None:
    """A local branch that lags behind is built upon where the remote stands; one that is ahead keeps its work."""
    synced.git("branch", "development", "origin/development")
    synced.git("branch", "deployment", "origin/deployment")
    synced.git("clone", "--quiet", "--branch", "development", str(synced.origin), str(tmp_path / "colleague"))
    colleague = Project(tmp_path / "colleague", synced.origin, {"HOME": str(synced.work.parent)})
    colleague.commit(theirs="1\n")
    colleague.git("push", "--quiet", "origin", "development")
    synced.git("checkout", "--quiet", "deployment")
    synced.commit(mine="1\n")
    synced.git("checkout", "--quiet", "master")
    synced.commit(mcci_yml=MORE)
    synced.sync()
    assert "theirs" in synced.files("development")
    assert "mine" in synced.files("deployment")


@pytest.mark.parametrize("option", ["--check", "--dry-run", "--diff"])
def test_reading(project: Project, option: str) -> None:
    """What only looks moves no ref; it says what differs, and only --dry-run calls that a success."""
    before = project.branches()
    done = project.mcci("sync", option)
    assert done.code == (0 if option == "--dry-run" else 1)
    assert "deployment   does not exist" in done.out
    assert project.branches() == before
    if option == "--diff":
        assert "+++ development:develop-gitlab-ci.yml (wanted)" in done.out


def test_check_agrees(synced: Project) -> None:
    """--check succeeds exactly when there is nothing to do."""
    assert synced.mcci("sync", "--check").code == 0
    synced.commit(mcci_yml=MORE)
    assert synced.mcci("sync", "--check").code == 1


def test_trunk(project: Project) -> None:
    """With one branch there is one branch to keep, and no other is made."""
    project.commit(mcci_yml=CONFIG + "layout: trunk\n")
    project.git("checkout", "--quiet", "--detach")
    project.sync()
    assert [name for name in project.branches() if name.startswith("refs/heads/")] == ["refs/heads/master"]
    assert {"develop-gitlab-ci.yml", "deploy-gitlab-ci.yml"} <= set(project.files("master"))


def test_no_deployment_without_environments(project: Project) -> None:
    """Without an environment there is nothing to deploy to, and no deployment branch is made."""
    project.commit(mcci_yml="version: 1\napplication: shop\nservices:\n  cart: {}\n")
    project.sync()
    assert "refs/heads/deployment" not in project.branches()


def test_no_remote(project: Project) -> None:
    """A repository without a remote is synced all the same, and cannot be pushed."""
    project.git("remote", "remove", "origin")
    project.sync()
    assert "refs/heads/deployment" in project.branches()
    done = project.mcci("sync", "--push")
    assert (done.code, "no remote 'origin'" in done.err) == (2, True)


def test_locked(project: Project) -> None:
    """While one sync is at work another is refused with the exit code for that."""
    holder = subprocess.Popen(
        ["flock", "mcci-sync.lock", "sh", "-c", "echo held; read _"],
        cwd=project.work / ".git",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        done = project.mcci("sync")
        assert done.code == 6
        assert "another `mcci sync`" in done.err
    finally:
        holder.communicate(b"\n")
    assert project.mcci("sync").code == 0


def test_interrupted(project: Project, tmp_path: Path) -> None:
    """Ctrl-C while git works leaves no ref moved, nothing in the temporary folder, and the next run works."""
    tools = tmp_path / "tools"
    tools.mkdir()
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    real = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout.strip()
    slow = tools / "git"
    slow.write_text(
        f'#!/bin/sh\ncase "$*" in *write-tree*) touch "{tools}/reached"; sleep 30;; esac\nexec {real} "$@"\n'
    )
    slow.chmod(0o755)
    before = project.branches()
    path = f"{tools}:{os.environ['PATH']}"
    process = subprocess.Popen(
        [str(MCCI), "sync"],
        cwd=project.work,
        env={"PATH": path, "HOME": str(project.work.parent), "TMPDIR": str(temporary)},
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    while not (tools / "reached").exists():
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, b"interrupted" in err) == (130, True)
    assert project.branches() == before
    assert list(temporary.iterdir()) == []
    project.sync()


def test_linked_files(synced: Project) -> None:
    """A symbolic link where a generated file belongs is replaced by the file, and what it led to is left alone."""
    synced.git("checkout", "--quiet", "-b", "development", "origin/development")
    (synced.work / "develop-gitlab-ci.yml").unlink()
    (synced.work / "develop-gitlab-ci.yml").symlink_to("mcci.yml")
    synced.git("commit", "--quiet", "--all", "--message", "link")
    synced.git("checkout", "--quiet", "master")
    synced.sync()
    assert synced.git("ls-tree", "development", "develop-gitlab-ci.yml").startswith("100644")


class TestRefused:
    """What cannot be done is said with what to do, and exit code 2."""

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--push", "--merge-request"], "--push and --merge-request exclude each other"),
            (["--check", "--dry-run"], "--check and --dry-run exclude each other"),
            (["--remote", "nowhere"], "no remote 'nowhere'"),
            (["--config", "cart/mcci.yml"], "not in the top folder"),
        ],
    )
    def test_usage(self, project: Project, arguments: list[str], words: str) -> None:
        """Options that do not go together, a remote that is not there, a configuration below the top folder."""
        (project.work / "cart" / "mcci.yml").write_text(CONFIG)
        done = project.mcci("sync", *arguments)
        assert done.code == 2
        assert words in done.err

    def test_no_repository(self, tmp_path: Path, project: Project) -> None:
        """Outside of a repository."""
        (tmp_path / "mcci.yml").write_text(CONFIG)
        (tmp_path / "cart").mkdir()
        (tmp_path / "cart" / "Dockerfile").write_text("FROM scratch\n")
        done = project.mcci("sync", folder=tmp_path)
        assert (done.code, "no git checkout" in done.err) == (2, True)

    def test_no_commit(self, tmp_path: Path, project: Project) -> None:
        """Before the first commit."""
        project.git("init", "--quiet", str(tmp_path / "fresh"), folder=tmp_path)
        (tmp_path / "fresh" / "mcci.yml").write_text(CONFIG)
        (tmp_path / "fresh" / "cart").mkdir()
        (tmp_path / "fresh" / "cart" / "Dockerfile").write_text("FROM scratch\n")
        done = project.mcci("sync", folder=tmp_path / "fresh")
        assert (done.code, "commit mcci.yml first" in done.err) == (2, True)

    def test_other_default(self, project: Project) -> None:
        """A default branch that is called otherwise."""
        project.commit(mcci_yml=CONFIG + "branches: {default: main}\n")
        done = project.mcci("sync")
        assert (done.code, "no branch 'main'" in done.err) == (2, True)

    def test_foreign_waiting_branch(self, project: Project) -> None:
        """Somebody's own commits on the branch where mcci's would wait."""
        project.git("checkout", "--quiet", "-b", "mcci/sync-master")
        project.commit(mine="1\n")
        project.git("checkout", "--quiet", "master")
        done = project.mcci("sync")
        assert (done.code, "did not make" in done.err) == (1, True)

    def test_nobody(self, project: Project) -> None:
        """A git that does not know who commits says so."""
        (project.work.parent / ".gitconfig").write_text("[user]\n useConfigOnly = true\n")
        done = project.mcci("sync")
        assert done.code == 1
        assert "user.email" in done.err or "tell me who you are" in done.err
