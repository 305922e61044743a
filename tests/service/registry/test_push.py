"""`mcci push` from one real registry to another, with users and TLS."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mcci.clients.registry.manifests import referrers_tag
from tests.service.registry import images
from tests.service.registry.project import COMMIT

if TYPE_CHECKING:
    from mcci.clients.registry.client import Registry
    from tests.service.registry.project import Project


def test_pushed(project: Project, candidates: Registry, hub: Registry) -> None:
    """The tested digest arrives under its content tag and the release, and its blobs are what they were."""
    layers = [images.layer({"a": os.urandom(300_000)}), images.layer({"b": b"2"})]
    manifest = images.push(candidates, project.built("cart"), layers)
    project.candidate("cart", manifest)
    done = project.mcci("push", "cart", "--format", "json")
    assert (done.code, done.err) == (0, "")
    target = project.release("cart")
    for tag in ("content-1", COMMIT):
        found = hub.get_manifest(target.at(tag))
        assert found.raw == manifest.raw
    assert [b"".join(hub.read_blob(target, each)) for each in manifest.layers] == layers
    (service,) = done.json["services"]
    assert service["image"] == f"{target.name}@{manifest.digest}"
    assert (service["blobs_sent"], service["tags_written"]) == (3, ["content-1", COMMIT])


def test_again(project: Project, candidates: Registry, hub: Registry) -> None:
    """Run again, nothing is sent and nothing is tagged; not even the candidate is needed any more."""
    manifest = images.push(candidates, project.built("cart"), [images.layer({"a": b"1"})])
    project.candidate("cart", manifest)
    assert project.mcci("push", "cart").code == 0
    again = project.mcci("push", "cart", "--format", "json").json["services"][0]
    assert (again["blobs_sent"], again["tags_written"]) == (0, [])
    candidates.http.request("DELETE", f"/v2/group/shop/cart/manifests/{manifest.digest}", "", what="deleting")
    assert project.mcci("push", "cart").code == 0


def test_dry_run(project: Project, candidates: Registry, hub: Registry) -> None:
    """A dry run says what it would do, and writes nothing."""
    manifest = images.push(candidates, project.built("cart"), [images.layer({"a": b"1"})])
    project.candidate("cart", manifest)
    done = project.mcci("push", "cart", "--dry-run")
    assert f"would be copied; would be tagged content-1, {COMMIT}" in done.out
    assert hub.tags(project.release("cart")) == []
    assert not hub.exists(project.release("cart").at(manifest.digest))


def test_unchanged(project: Project, candidates: Registry, hub: Registry) -> None:
    """An unchanged service gets the new release's tag by a manifest alone: its candidate is in no other registry."""
    manifest = images.push(hub, project.release("cart"), [images.layer({"a": b"1"})], tag="content-1")
    project.candidate("cart", manifest, unchanged=True)
    done = project.mcci("push", "cart", "--format", "json").json["services"][0]
    assert (done["blobs_sent"], done["blobs_present"], done["tags_written"]) == (0, 0, [COMMIT])
    assert hub.get_manifest(project.release("cart").at(COMMIT)).digest == manifest.digest


def test_index(project: Project, candidates: Registry, hub: Registry) -> None:
    """An image for several platforms arrives whole: the index, every image in it, every blob."""
    built = project.built("cart")
    children = {
        f"linux/{name}": images.push(candidates, built, [images.layer({"same": b"1"}), images.layer({name: b"2"})])
        for name in ("amd64", "arm64")
    }
    index = images.push_index(candidates, built, children)
    project.candidate("cart", index)
    assert project.mcci("push", "cart").code == 0
    target = project.release("cart")
    assert hub.get_manifest(target.at(COMMIT)).raw == index.raw
    for child in children.values():
        assert hub.get_manifest(target.at(child.digest)).raw == child.raw
        assert all(hub.has_blob(target, blob.digest) for blob in child.blobs)


def test_referrers(project: Project, candidates: Registry, hub: Registry) -> None:
    """What refers to the image travels along, and what refers to that; so does a signature that only a tag leads to."""
    built = project.built("cart")
    manifest = images.push(candidates, built, [images.layer({"a": b"1"})])
    sbom = images.attach(candidates, built, manifest, "application/vnd.cyclonedx+json", b"{}1")
    about = images.attach(candidates, built, sbom, "application/vnd.example.note", b"about the SBOM")
    signature_tag = manifest.digest.replace(":", "-") + ".sig"
    signature = images.push(candidates, built, [b"a signature"], tag=signature_tag)
    project.candidate("cart", manifest)
    assert project.mcci("push", "cart").code == 0
    target = project.release("cart")
    assert [each.digest for each in hub.referrers(target.at(manifest.digest))] == [sbom.digest]
    assert [each.digest for each in hub.referrers(target.at(sbom.digest))] == [about.digest]
    assert b"".join(hub.read_blob(target, about.layers[0])) == b"about the SBOM"
    assert hub.get_manifest(target.at(signature_tag)).raw == signature.raw
    assert referrers_tag(manifest.digest) in hub.tags(target)


def test_two_services(project: Project, candidates: Registry, hub: Registry) -> None:
    """Several services are copied before the first is tagged: when one is gone, none has a tag."""
    manifest = images.push(candidates, project.built("cart"), [images.layer({"a": b"1"})])
    project.candidate("cart", manifest)
    project.candidate("orders", manifest)  # which was never pushed
    done = project.mcci("push", "cart", "orders")
    assert done.code == 1
    assert "orders: there is no image" in done.err
    assert hub.tags(project.release("cart")) == []


def test_mounted(project: Project, hub: Registry) -> None:
    """Within one registry blobs are mounted, not sent."""
    one = type(project)(project.folder, project.hub, project.hub)
    manifest = images.push(hub, one.built("cart"), [images.layer({"a": b"1"})])
    one.candidate("cart", manifest)
    done = one.mcci("push", "cart", "--format", "json").json["services"][0]
    assert (done["blobs_sent"], done["blobs_mounted"]) == (0, 2)
    assert hub.get_manifest(one.release("cart").at(COMMIT)).raw == manifest.raw


def test_release_tag_never_moves(project: Project, candidates: Registry, hub: Registry) -> None:
    """A release's tag that stands for another image is an answer of no, and both tags stay as they are."""
    other = images.push(hub, project.release("cart"), [images.layer({"b": b"2"})], tag=COMMIT)
    manifest = images.push(candidates, project.built("cart"), [images.layer({"a": b"1"})])
    project.candidate("cart", manifest)
    done = project.mcci("push", "cart")
    assert done.code == 1
    assert f"the tag {COMMIT} stands for {other.digest} already" in done.err
    assert hub.tags(project.release("cart")) == [COMMIT]


def test_content_tag_of_another(project: Project, candidates: Registry, hub: Registry) -> None:
    """Where another pipeline pushed the same content first, its image keeps the content tag; ours gets the other."""
    other = images.push(hub, project.release("cart"), [images.layer({"b": b"2"})], tag="content-1")
    manifest = images.push(candidates, project.built("cart"), [images.layer({"a": b"1"})])
    project.candidate("cart", manifest)
    assert project.mcci("push", "cart").code == 0
    assert hub.get_manifest(project.release("cart").at("content-1")).digest == other.digest
    assert hub.get_manifest(project.release("cart").at(COMMIT)).digest == manifest.digest


def test_content_tag_moved(project: Project, candidates: Registry, hub: Registry) -> None:
    """An unchanged service whose content tag has moved since the build is refused."""
    manifest = images.push(hub, project.release("cart"), [images.layer({"a": b"1"})], tag="content-1")
    project.candidate("cart", manifest, unchanged=True)
    images.push(hub, project.release("cart"), [images.layer({"b": b"2"})], tag="content-1")
    done = project.mcci("push", "cart")
    assert done.code == 1
    assert f"the tag content-1 stood for {manifest.digest} when the build job looked" in done.err
    assert hub.tags(project.release("cart")) == ["content-1"]
