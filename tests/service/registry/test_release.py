"""`mcci release` against a real registry and a real clone."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from mcci.delivery.candidates import COMMIT_LABEL, CONTENT_TAG_LABEL, PIPELINE_LABEL
from mcci.delivery.release import model
from tests.service.registry import images
from tests.service.registry.project import COMMIT

if TYPE_CHECKING:
    from mcci.clients.registry.client import Registry
    from tests.service.registry.project import Project

PIPELINE = "https://gitlab.example.com/group/shop/-/pipelines/7"


def labels(commit: str = "a" * 40) -> dict[str, str]:
    return {COMMIT_LABEL: commit, CONTENT_TAG_LABEL: "content-1", PIPELINE_LABEL: PIPELINE}


def git(project: Project, *arguments: str) -> str:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    done = subprocess.run(["git", *identity, *arguments], cwd=project.folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_resolved(project: Project, hub: Registry) -> None:
    """release.json has each service's digest and where it comes from, whatever the tag becomes afterwards."""
    pushed = {
        name: images.push(hub, project.release(name), [images.layer({name: b"1"})], labels(), tag=COMMIT)
        for name in ("cart", "orders")
    }
    done = project.mcci("release", "resolve", COMMIT)
    assert (done.code, done.err) == (0, "")
    found = model.load(project.folder / "release.json")
    assert found.name == COMMIT
    for name, manifest in pushed.items():
        image = found.images[name]
        assert image.image == project.release(name).at(manifest.digest)
        assert (image.commit, image.content_tag, image.source_pipeline) == ("a" * 40, "content-1", PIPELINE)
    shown = project.mcci("release", "show", "--format", "json").json
    assert shown["schema"] == "mcci.release/1"
    assert [each["service"] for each in shown["services"]] == ["cart", "orders"]


def test_several_platforms(project: Project, hub: Registry) -> None:
    """An image for several platforms is resolved to its index, and its origin read from the first platform's image."""
    for name in ("cart", "orders"):
        child = images.push(hub, project.release(name), [images.layer({name: b"1"})], labels())
        index = images.push_index(hub, project.release(name), {"linux/amd64": child})
        hub.put_manifest(project.release(name).at(COMMIT), index)
    done = project.mcci("release", "resolve", COMMIT, "--format", "json", "--dry-run")
    assert done.json["services"][1]["image"].endswith(index.digest)
    assert done.json["services"][1]["commit"] == "a" * 40
    assert not (project.folder / "release.json").exists()


def test_incomplete(project: Project, hub: Registry) -> None:
    """A release without a service's image is refused, naming the image; no file is written."""
    images.push(hub, project.release("cart"), [images.layer({"a": b"1"})], tag=COMMIT)
    done = project.mcci("release", "resolve", COMMIT)
    assert done.code == 1
    assert f"there is no image {project.release('orders').at(COMMIT)}" in done.err
    assert "shop/cart" not in done.err
    assert not (project.folder / "release.json").exists()


def test_empty(project: Project) -> None:
    """Without a release nothing is looked up, and the file says that there is none."""
    project.hub.folder.joinpath("data").mkdir(exist_ok=True)
    done = project.mcci("release", "resolve", "")
    assert done.code == 0
    assert "each environment keeps" in done.err
    assert model.load(project.folder / "release.json") == model.Release(name="", images={})


@pytest.mark.parametrize("release", ["not a tag", "../x", "-"])
def test_no_release(project: Project, release: str) -> None:
    """What can be no tag is refused before a registry is asked."""
    done = project.mcci("release", "resolve", "--", release)
    assert done.code == 2
    assert "is no release" in done.err


def test_diff(project: Project, hub: Registry) -> None:
    """Two releases are told apart by digest, with the commits that touched each service; a step back shows as such."""
    git(project, "init", "-q")
    commits = []
    for number, path in enumerate(["cart/a", "orders/a", "cart/b"]):
        (project.folder / path).parent.mkdir(exist_ok=True)
        (project.folder / path).write_text(str(number))
        git(project, "add", path)
        git(project, "commit", "-q", "-m", f"Change {path}")
        commits.append(git(project, "rev-parse", "HEAD"))
    old, _, new = commits
    orders = images.push(hub, project.release("orders"), [images.layer({"o": b"1"})], labels(old))
    for commit in (old, new):
        images.push(hub, project.release("cart"), [images.layer({"c": commit.encode()})], labels(commit), tag=commit)
        hub.put_manifest(project.release("orders").at(commit), orders)
    done = project.mcci("release", "diff", old, new, "--format", "json")
    cart, same = done.json["services"]
    assert (cart["change"], same["change"]) == ("changed", "same")
    assert [each["subject"] for each in cart["commits"]] == ["Change cart/b"]
    assert same["commits"] == []
    back = project.mcci("release", "diff", new, old)
    assert f"- {new[:12]} Change cart/b (Ada)" in back.out


def test_diff_without_history(project: Project, hub: Registry) -> None:
    """Where the clone lacks the commits, the images are compared all the same, and it is said how to get the rest."""
    git(project, "init", "-q")
    for release in ("one", "two"):
        for name in ("cart", "orders"):
            files = {name: release.encode()}
            images.push(hub, project.release(name), [images.layer(files)], labels(release * 3), tag=release)
    done = project.mcci("release", "diff", "one", "two")
    assert done.code == 0
    assert "changed" in done.out
    assert "`git fetch origin development`" in done.err
