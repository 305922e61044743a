"""The order of a copy, and the tags that it gets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcci.clients.registry.manifests import OCI_INDEX, OCI_MANIFEST, Descriptor, Manifest
from mcci.delivery.push import tags
from mcci.delivery.push.plan import Tree, steps


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def blob(number: int) -> Descriptor:
    return Descriptor(media_type="layer", digest=digest(number + 1000), size=number)


def image(number: int, *blobs: int, subject: int | None = None) -> Manifest:
    return Manifest(
        media_type=OCI_MANIFEST, digest=digest(number), raw=b"", layers=tuple(map(blob, blobs)),
        subject=None if subject is None else Descriptor(media_type=OCI_MANIFEST, digest=digest(subject), size=0),
    )  # fmt: skip


def index(number: int, *children: int) -> Manifest:
    below = tuple(Descriptor(media_type=OCI_MANIFEST, digest=digest(each), size=0) for each in children)
    return Manifest(media_type=OCI_INDEX, digest=digest(number), raw=b"", children=below)


def tree(root: int, *manifests: Manifest, tagged: dict[str, str] | None = None) -> Tree:
    referrers: dict[str, tuple[str, ...]] = {}
    for each in manifests:
        if each.subject:
            referrers[each.subject.digest] = (*referrers.get(each.subject.digest, ()), each.digest)
    held = {each.digest: each for each in manifests}
    return Tree(root=digest(root), manifests=held, referrers=referrers, tagged=tagged or {})


def test_order() -> None:
    """Blobs first, each once; an index after its images; what refers to something after it; cosign's own at the end."""
    found = steps(
        tree(
            1, index(1, 2, 3), image(2, 1, 2), image(3, 2, 3), image(4, 9, subject=1), image(5, 8, subject=4),
            image(6, 7), tagged={"sha256-1.sig": digest(6)},
        )
    )  # fmt: skip
    assert [[each.digest for each in step.manifests] for step in found] == [
        [digest(2), digest(3), digest(1)], [digest(4)], [digest(5)], [digest(6)],
    ]  # fmt: skip
    assert [each.digest for each in found[0].blobs] == [digest(1001), digest(1002), digest(1003)]


@given(st.data())
def test_any_tree(data: st.DataObject) -> None:
    """Whatever refers to what, every manifest is copied exactly once a step, after all that it needs."""
    count = data.draw(st.integers(1, 8))
    manifests = [image(1, 1)]
    for number in range(2, count + 1):
        manifests.append(image(number, number, subject=data.draw(st.integers(1, number - 1))))
    order = [each.digest for step in steps(tree(1, *manifests)) for each in step.manifests]
    assert sorted(order) == sorted(each.digest for each in manifests)
    for each in manifests:
        if each.subject:
            assert order.index(each.subject.digest) < order.index(each.digest)


A, B = digest(1), digest(2)


def wanted(*, release: str | None, content: str | None, unchanged: bool = False) -> list[str]:
    return tags.wanted("r", "c", A, unchanged=unchanged, now={"r": release, "c": content})


def test_tags() -> None:
    """New tags are written, the release's last; those that stand are not written again."""
    assert wanted(release=None, content=None) == ["c", "r"]
    assert wanted(release=None, content=A) == ["r"]
    assert wanted(release=A, content=A) == []
    assert wanted(release=None, content=B) == ["r"]
    assert wanted(release=None, content=A, unchanged=True) == ["r"]


@pytest.mark.parametrize(
    ("release", "content", "unchanged"), [(B, None, False), (B, A, True), (None, B, True), (None, None, True)]
)
def test_moved(release: str | None, content: str | None, unchanged: bool) -> None:
    """A release's tag that stands for something else, or a content tag that moved under an unchanged service, is no."""
    with pytest.raises(tags.TagMoved):
        wanted(release=release, content=content, unchanged=unchanged)
