"""`mcci sync --push`: the remote's branches, all or none."""

from __future__ import annotations

import json
from pathlib import Path

from tests.service.sync.project import BRANCHES, CONFIG, Project

MORE = CONFIG.replace("cart: {}", "cart: {}\n  orders: {}")

SYSTEM = "/usr/local/bin:/usr/bin:/bin"


def heads(project: Project) -> dict[str, str]:
    return project.branches(folder=project.origin)


def hook(project: Project, script: str) -> None:
    """Give the remote a hook that decides on pushes, as GitLab's does."""
    path = project.origin / "hooks" / "pre-receive"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_pushed(synced: Project) -> None:
    """After a push the remote's branches hold what mcci.yml generates, and a second push pushes nothing."""
    assert set(heads(synced)) == {f"refs/heads/{branch}" for branch in BRANCHES}
    assert "develop-gitlab-ci.yml" in synced.files("development", folder=synced.origin)
    before = heads(synced)
    synced.sync("--push")
    assert heads(synced) == before
    assert synced.mcci("sync", "--check", "--push").code == 0


def test_checkout_untouched(synced: Project) -> None:
    """A push moves no local branch and leaves the checkout as it is, even of a branch that is pushed to."""
    synced.git("checkout", "--quiet", "-b", "development", "origin/development")
    (synced.work / "mine").write_text("1\n")
    synced.git("branch", "--delete", "--force", "--remotes", "origin/deployment")
    synced.git("push", "--quiet", "origin", ":deployment")
    before = synced.checkout_state(), synced.git("for-each-ref", "refs/heads")
    done = synced.sync("--push")
    assert (synced.checkout_state(), synced.git("for-each-ref", "refs/heads")) == before
    assert "deployment   created, pushed" in done.out


def test_whatever_is_configured(project: Project) -> None:
    """Colours, signatures, tags, line endings and a hook's variables change nothing."""
    with (project.work.parent / ".gitconfig").open("a") as file:
        file.write("[color]\n ui = always\n[log]\n showSignature = true\n[core]\n autocrlf = true\n quotePath = true\n")
        file.write("[push]\n followTags = true\n recurseSubmodules = only\n default = nothing\n")
    project.git("tag", "--annotate", "v1", "--message", "first")
    environment = {"GIT_DIR": ".git", "GIT_INDEX_FILE": ".git/index", "GIT_PREFIX": ""}  # as in a hook
    project.sync("--push", **environment)
    assert set(heads(project)) == {f"refs/heads/{branch}" for branch in BRANCHES}
    assert project.sync("--push", **environment).out.count("up to date") == 3
    text = project.git("cat-file", "blob", "development:develop-gitlab-ci.yml", folder=project.origin)
    assert "\r" not in text


def test_after_local_commits(project: Project) -> None:
    """What was committed here first is what is pushed: the branches here and there do not part."""
    project.git("checkout", "--quiet", "--detach")
    project.sync()
    assert project.mcci("sync", "--check", "--push").code == 1
    project.sync("--push")
    for branch in BRANCHES:
        assert heads(project)[f"refs/heads/{branch}"] == project.git("rev-parse", branch)


def test_unpushed_work_refused(synced: Project) -> None:
    """Nobody's own unpushed commits are pushed along."""
    synced.commit(mcci_yml=MORE)
    before = heads(synced)
    done = synced.mcci("sync", "--push")
    assert (done.code, "git push origin master" in done.err) == (1, True)
    assert heads(synced) == before


def test_protected(project: Project) -> None:
    """One branch that may not be pushed to stops all of them, and the remote's own words are shown."""
    hook(
        project,
        'while read -r old new ref; do if [ "$ref" = refs/heads/deployment ]; then'
        ' echo "GitLab: You are not allowed to push code to protected branches on this project."; exit 1; fi; done',
    )
    before = heads(project)
    done = project.mcci("sync", "--push")
    assert done.code == 1
    assert "not allowed to push code to protected branches" in done.err
    assert "--merge-request" in done.err
    assert heads(project) == before


def test_moved_meanwhile(synced: Project) -> None:
    """A branch that moved between the look and the push is not overwritten."""
    synced.commit(mcci_yml=MORE)
    synced.git("push", "--quiet", "origin", "master")
    other = synced.git("rev-parse", "master")
    # Another push arrives while this one is under way.
    git = synced.work.parent / "tools" / "git"
    git.parent.mkdir()
    git.write_text(
        '#!/bin/sh\ncase "$*" in *" push "*)\n'
        f'PATH="{SYSTEM}" git -C "{synced.origin}" update-ref refs/heads/development {other};; esac\n'
        f'PATH="{SYSTEM}" exec git "$@"\n'
    )
    git.chmod(0o755)
    done = synced.mcci("sync", "--push", PATH=f"{git.parent}:{SYSTEM}")
    assert done.code == 1
    assert "development" in done.err
    assert "run it again" in done.err
    assert heads(synced)["refs/heads/development"] == other
    assert "orders" not in synced.git("show", "deployment:mcci.yml", folder=synced.origin)


def test_unreachable(synced: Project) -> None:
    """A remote that is not there is a service that failed; --no-fetch does without it."""
    synced.git("remote", "set-url", "origin", "http://127.0.0.1:9/group/shop.git")
    done = synced.mcci("sync")
    assert done.code == 3
    assert "origin cannot be reached" in done.err
    assert "--no-fetch" in done.err
    assert synced.mcci("sync", "--no-fetch").code == 0


class TestInCi:
    """As GitLab's runner has it: a shallow clone of one branch, detached, with nobody's name configured."""

    @staticmethod
    def clone(project: Project, folder: Path) -> Project:
        """Clone as the runner does."""
        home = folder / "home"
        home.mkdir()
        url = f"file://{project.origin}"
        ci = Project(
            folder / "build",
            project.origin,
            {
                "HOME": str(home),
                "CI": "true",
                "CI_COMMIT_BRANCH": "master",
                "GITLAB_USER_NAME": "Grace",
                "GITLAB_USER_EMAIL": "grace@example.com",
            },
        )
        ci.git("init", "--quiet", str(ci.work), folder=folder)
        ci.git("remote", "add", "origin", url)
        ci.git("fetch", "--quiet", "--depth=1", "origin", "+refs/heads/master:refs/remotes/origin/master")
        ci.git("checkout", "--quiet", "--detach", "origin/master")
        return ci

    def test_check(self, synced: Project, tmp_path: Path) -> None:
        """The default branch's pipeline sees whether the other branches are up to date, without their history."""
        ci = self.clone(synced, tmp_path)
        assert ci.mcci("sync", "--check").code == 0
        synced.commit(mcci_yml=MORE)
        synced.git("push", "--quiet", "origin", "master")
        (tmp_path / "next").mkdir()
        ci = self.clone(synced, tmp_path / "next")
        done = ci.mcci("sync", "--check", "--format", "json")
        assert done.code == 1
        found = {each["branch"]: each["outcome"] for each in json.loads(done.out)["branches"]}
        assert found["development"] == found["deployment"] == "differs"

    def test_check_of_its_own_commit(self, synced: Project, tmp_path: Path) -> None:
        """A pipeline judges the default branch by the commit it runs for, though the branch has moved on."""
        ci = self.clone(synced, tmp_path)
        synced.commit(mcci_yml=MORE)
        synced.git("push", "--quiet", "origin", "master")
        assert ci.mcci("sync", "--check").code == 0

    def test_push(self, synced: Project, tmp_path: Path) -> None:
        """A job can push, and the commit carries the name of the person who runs the pipeline."""
        synced.commit(mcci_yml=MORE)
        synced.git("push", "--quiet", "origin", "master")
        ci = self.clone(synced, tmp_path)
        ci.sync("--push")
        assert synced.git("log", "-1", "--format=%an <%ae>", "development", folder=synced.origin) == (
            "Grace <grace@example.com>"
        )
        assert synced.git("rev-list", "--count", "development", folder=synced.origin) == "3"
