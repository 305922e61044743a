"""Which tags a pushed image gets, given what stands there. Pure.

A release's tag, `<git sha>`, never moves: deploys of one release must all mean the same image. The content tag belongs
to who was first: two pipelines that build the same content at once give two digests, both tested.
"""

from __future__ import annotations

from mcci.errors import McciError


class TagMoved(McciError):
    """A tag stands for another image than it must."""


def wanted(release: str, content_tag: str, digest: str, *, unchanged: bool, now: dict[str, str | None]) -> list[str]:
    """Return the tags to write, the content tag first. `now` has each tag's digest, None where there is no such tag.

    Raises `TagMoved`.
    """
    held = now[release]
    if held not in (None, digest):
        raise TagMoved(
            f"the tag {release} stands for {held} already, and the tested image is {digest}. A release's tag never"
            " moves: push a new commit, or delete the tag if it was written by hand."
        )
    if unchanged and now[content_tag] != digest:
        there = now[content_tag] or "nothing any more"
        raise TagMoved(
            f"the tag {content_tag} stood for {digest} when the build job looked, and stands for {there} now."
            " Run the pipeline's build job again."
        )
    return [tag for tag in (content_tag, release) if now[tag] is None]
