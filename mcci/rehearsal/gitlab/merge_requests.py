"""Merge requests: a source branch's way into a target branch, and the pipelines on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcci.rehearsal.gitlab.instance import NotCreated, NotNow
from mcci.rehearsal.gitlab.model import Pushed
from mcci.simulation.events import Event, MergeRequest, Source

if TYPE_CHECKING:
    from mcci.rehearsal.gitlab.model import Pipeline, User
    from mcci.rehearsal.gitlab.site import Site


@dataclass(slots=True, kw_only=True)
class Request:
    """One merge request."""

    iid: int
    source: str
    target: str
    title: str
    description: str
    author: User
    state: str = "opened"
    merge_commit: str | None = None
    remove_source: bool = False

    @property
    def is_draft(self) -> bool:
        """Whether its title says so."""
        return self.title.lower().startswith(("draft:", "[draft]", "(draft)"))


class MergeRequests:
    """A project's merge requests."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.all: dict[int, Request] = {}

    def open(self, *, source: str, target: str, title: str, description: str, author: User, **more: bool) -> Request:
        """Open one and start its pipeline. Raises `NotNow` where one is open between the two already."""
        for request in self.all.values():
            if (request.state, request.source, request.target) == ("opened", source, target):
                raise NotNow(f"Another open merge request already exists for this source branch: !{request.iid}")
        request = Request(iid=len(self.all) + 1, source=source, target=target, title=title, description=description,
                          author=author, remove_source=bool(more.get("remove_source")))  # fmt: skip
        self.all[request.iid] = request
        self._site.save()
        self._start(request, author)
        return request

    def open_from(self, branch: str) -> tuple[str, ...]:
        """Return the open ones from a branch, as CI_OPEN_MERGE_REQUESTS has them."""
        path = self._site.settings.path
        return tuple(
            f"{path}!{each.iid}" for each in self.all.values() if each.state == "opened" and each.source == branch
        )

    def pushed(self, branch: str, user: User) -> list[Pipeline]:
        """Start the pipelines of the open merge requests from a branch."""
        opened = [each for each in self.all.values() if each.state == "opened" and each.source == branch]
        return [made for each in opened if (made := self._start(each, user)) is not None]

    def merge(self, request: Request, user: User) -> str:
        """Merge, and return the merge commit. Raises `NotNow` where that cannot be."""
        site = self._site
        if request.state != "opened" or request.is_draft:
            raise NotNow(
                f"405 Method Not Allowed: !{request.iid} is {'a draft' if request.is_draft else request.state}"
            )
        before = site.repository.commit(f"refs/heads/{request.target}") or ""
        message = f"Merge branch '{request.source}' into '{request.target}'\n\n{request.title}\n"
        commit = site.repository.merge(request.source, request.target, message, (user.name, user.email))
        if commit is None:
            raise NotNow("Branch cannot be merged: the two have changed the same lines")
        request.state, request.merge_commit = "merged", commit
        site.save()
        if request.remove_source:
            site.repository.delete_branch(request.source)
        site.pushed([Pushed(branch=request.target, before=before, after=commit)], user)
        return commit

    def _start(self, request: Request, user: User) -> Pipeline | None:
        repository = self._site.repository
        head = repository.commit(f"refs/heads/{request.source}")
        base = repository.commit(f"refs/heads/{request.target}")
        if head is None or base is None:
            return None
        event = Event(
            source=Source.MERGE_REQUEST,
            ref=request.source,
            merge_request=MergeRequest(source=request.source, target=request.target, draft=request.is_draft),
            changes=repository.changed(repository.base(base, head), head),
            commit_message=repository.message(head),
        )
        try:
            return self._site.gitlab.start(event, sha=head, user=user)
        except NotCreated:
            return None
