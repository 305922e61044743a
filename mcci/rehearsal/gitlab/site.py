"""The local GitLab as a whole: one project with its repository, people and settings, and its pipelines."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING

from mcci.errors import McciError
from mcci.rehearsal.gitlab.instance import SILENCE, GitLab, NotCreated
from mcci.rehearsal.gitlab.merge_requests import MergeRequests
from mcci.rehearsal.gitlab.model import Access, Build, Protection, Pushed, Settings, User, same
from mcci.rehearsal.gitlab.payload import Place
from mcci.rehearsal.gitlab.repository import BLANK, Hosted
from mcci.rehearsal.gitlab.site_file import SiteFile
from mcci.simulation.events import Event, Project, Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import Any

    from mcci.rehearsal.gitlab.model import Pipeline

ROLES = {"developer": Access.DEVELOPER, "maintainer": Access.MAINTAINER, "owner": Access.OWNER}
SKIP = ("[ci skip]", "[skip ci]")


class Forbidden(McciError):
    """The user may not do this."""


class Site:
    """One local GitLab. `url` is where it is served, known once it is."""

    def __init__(
        self, state: Path, *, path: str, users: Iterable[User], default_branch: str = "main", silence: float = SILENCE
    ) -> None:
        """`state` is a folder of its own. What is in it is taken up: then that says what the project and users are.

        `silence` are the seconds after which a runner that says nothing of its job is lost. Raises `ServiceFailed` for
        a state that cannot be taken up.
        """
        self.settings = Settings(path=path, default_branch=default_branch)
        self.settings.protected[default_branch] = Protection(name=default_branch)
        self.users = list(users)
        self.url = "http://127.0.0.1"
        self.state = state
        self.refused: dict[str, str] = {}  # why the last push to a branch made no pipeline
        self.merge_requests = MergeRequests(self)
        self._file = SiteFile(state / "site.json")
        self._file.load(self)
        self.numbers = itertools.count(1 + max(_numbers(self.settings), default=0))
        path, default_branch = self.settings.path, self.settings.default_branch
        self.repository = Hosted(state / "repositories" / f"{path}.git", default_branch)
        self.gitlab = GitLab(state, self.project, heads=self.repository.branches, users=self.users, silence=silence)
        self.pushing = threading.Lock()
        self.closed = threading.Event()  # nobody serves it any more
        self.quiet = False  # pushes start no pipelines while a project is being set up

    def save(self) -> None:
        """Keep the settings, people and merge requests as they are now; pipelines are kept as they change."""
        self._file.save(self)

    def project(self) -> Project:
        """Return the project as it is set up now, for the simulation."""
        settings = self.settings
        return Project(
            files=self.repository.files,
            path=settings.path,
            default_branch=settings.default_branch,
            configuration=settings.configuration,
            variables=tuple(settings.variables),
            protected=tuple(settings.protected),
        )

    @property
    def place(self) -> Place:
        """What a job's variables say of it."""
        return Place(url=self.url, project=self.project(), project_id=self.settings.id)

    # Who asks

    def user_of(self, token: str) -> User | None:
        """Return who an access token belongs to."""
        return next((user for user in self.users if same(user.token, token)), None)

    def build_of(self, token: str) -> Build | None:
        """Return the running job whose token this is: it ends with its job."""
        with self.gitlab.lock:
            for build in self.gitlab.builds.values():
                if same(build.token, token):
                    return build if build.started is not None and build.finished is None else None
        return None

    def may_run(self, user: User, ref: str) -> bool:
        """Whether a user may run pipelines on a ref: on a protected branch, who may push or merge to it.

        Source: https://docs.gitlab.com/ci/pipelines/#pipeline-security-on-protected-branches
        """
        protection = self.protection_of(ref)
        if protection is None:
            return user.access >= Access.DEVELOPER
        wanted = [level for level in (protection.push, protection.merge) if level is not Access.NONE]
        return bool(wanted) and user.access >= min(wanted)

    def may_give_variables(self, user: User) -> bool:
        """Whether a user may start pipelines with variables.

        Source: https://docs.gitlab.com/ci/variables/#restrict-pipeline-variables
        """
        return user.access >= ROLES.get(self.settings.variables_role, Access.OWNER)

    def may_deploy(self, user: User, build: Build) -> bool:
        """Whether a user may start a job, as far as the environment that it deploys to is protected."""
        protected = self.settings.protected_environments.get(build.planned.environment or "")
        return protected is None or user.access >= protected.deploy

    def protection_of(self, ref: str) -> Protection | None:
        """Return what protects a branch. Where several entries do (`*` is a wildcard), each lets in whom it lets in.

        Source: https://docs.gitlab.com/user/project/repository/branches/protected/
        """
        from mcci.pipeline.globs import matches_wildcard

        found = [each for name, each in self.settings.protected.items() if matches_wildcard(name, ref)]
        if not found:
            return None
        return Protection(
            name=ref,
            push=_lowest(each.push for each in found),
            merge=_lowest(each.merge for each in found),
            allow_force_push=any(each.allow_force_push for each in found),
        )

    # What starts pipelines

    def pushed(self, changes: Iterable[Pushed], user: User, options: Iterable[str] = ()) -> list[Pipeline]:
        """Start the pipelines of a push, and those of the merge requests that it changes."""
        made: list[Pipeline] = []
        for change in changes:
            if self.quiet or change.after == BLANK or "ci.skip" in options:
                continue
            message = self.repository.message(change.after)
            if any(word in message for word in SKIP):
                continue
            event = Event(
                source=Source.PUSH,
                ref=change.branch,
                changes=self.repository.changed(change.before, change.after),
                commit_message=message,
                open_merge_requests=self.merge_requests.open_from(change.branch),
            )
            made += self._start(event, change.after, user, change.before)
            made += self.merge_requests.pushed(change.branch, user)
        return made

    def _start(self, event: Event, sha: str, user: User, before: str = "") -> list[Pipeline]:
        try:
            made = self.gitlab.start(event, sha=sha, user=user, before=before)
        except NotCreated as error:
            self.refused[event.ref] = str(error)
            self.save()
            self.gitlab.logged()
            return []  # a push without a pipeline is none the worse
        if self.refused.pop(event.ref, None) is not None:
            self.save()
        return [made]

    def run(
        self, ref: str, source: Source, user: User, *,
        variables: Mapping[str, str] | None = None, inputs: Mapping[str, Any] | None = None,
    ) -> Pipeline:  # fmt: skip
        """Start a pipeline because somebody asked for it. Raises `NotCreated` and `Forbidden`."""
        commit = self.repository.commit(f"refs/heads/{ref}")
        if commit is None:
            raise NotCreated("Reference not found")
        if variables and not self.may_give_variables(user):
            raise Forbidden("Insufficient permissions to set pipeline variables")
        if not self.may_run(user, ref):
            raise Forbidden(f"You do not have sufficient permission to run a pipeline on '{ref}'.")
        event = Event(
            source=source,
            ref=ref,
            variables=dict(variables or {}),
            inputs=dict(inputs or {}),
            commit_message=self.repository.message(commit),
        )
        return self.gitlab.start(event, sha=commit, user=user)


def _numbers(settings: Settings) -> Iterator[int]:
    """Yield the ids that were given."""
    yield from settings.trigger_tokens
    yield from settings.schedules
    yield from settings.agents
    yield from settings.agent_tokens
    yield from settings.deploy_tokens


def _lowest(levels: Iterable[Access]) -> Access:
    """Return the lowest level that is let in."""
    return min((level for level in levels if level is not Access.NONE), default=Access.NONE)
