"""Where every branch stands, and what it lacks. Nothing is changed here but what git has fetched."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcci import output
from mcci.clients import charts, git_remote
from mcci.clients.git import Entry
from mcci.delivery.sync.plan import HEADER, Mode, Origin, Relation, Role, changes, origin, places
from mcci.errors import ServiceFailed, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.clients.git import Repository
    from mcci.clients.git_remote import Remote
    from mcci.config.model import Config
    from mcci.delivery.sync.plan import Change, Target

FILE = "100644"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the branches are looked for, and for which `mode`.

    `pinned` is the branch that a detached checkout stands for, as in a CI job: there HEAD is the branch.
    """

    repository: Repository
    remote: Remote | None
    mode: Mode
    fetch: bool
    pinned: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A branch: the commit it would be built upon (`base`), the files it should hold and what has to change.

    `local` and `remote` are the commits at which it stands here and there; `unpushed` are the commits of the base that
    the remote has yet to get, where that is the mode.
    """

    target: Target
    origin: Origin
    base: str | None
    local: str | None
    remote: str | None
    wanted: Mapping[str, Entry] = field(repr=False)
    changes: tuple[Change, ...]
    unpushed: tuple[str, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.changes or self.unpushed)

    @property
    def branch(self) -> str:
        """The branch's name."""
        return self.target.branch

    @property
    def is_new(self) -> bool:
        """Whether the branch exists neither here nor there."""
        return self.origin in (Origin.DEFAULT, Origin.NOTHING)


def survey(place: Place, targets: list[Target], config: Config) -> list[State]:
    """Return the state of every target. Raises `UsageError` when there is no default branch to begin from."""
    names = [target.branch for target in targets]
    local = {name: _local(place, name) for name in names}
    remote = _remote(place, names)
    states: list[State] = []
    default: str | None = None
    for target in targets:
        here, there = local[target.branch], remote.get(target.branch)
        found = _origin(place, target, here, there)
        base = {Origin.LOCAL: here, Origin.REMOTE: there, Origin.DEFAULT: default, Origin.NOTHING: None}[found]
        if target.role is Role.DEFAULT:
            if base is None:
                raise UsageError(_no_default(place, target.branch))
            default = base
        assert default is not None
        unpushed: tuple[str, ...] = ()
        if base and found is Origin.LOCAL and place.mode is not Mode.HERE:
            unpushed = tuple(place.repository.commits(base, without=remote.values()))
        wanted = _wanted(place.repository, target, base, default, config.charts)
        states.append(
            State(
                target=target,
                origin=found,
                base=base,
                local=here,
                remote=there,
                wanted=wanted,
                changes=_changes(place.repository, base, wanted, places(config)),
                unpushed=unpushed,
            )
        )
    return states


def _local(place: Place, branch: str) -> str | None:
    return place.repository.commit_of("HEAD" if branch == place.pinned else f"refs/heads/{branch}")


def _remote(place: Place, branches: list[str]) -> dict[str, str]:
    """Return where the remote's branches stand, their commits fetched."""
    if place.remote is None:
        return {}
    if not place.fetch:
        return git_remote.known_heads(place.repository, place.remote, branches)
    try:
        found = git_remote.heads(place.repository, place.remote, branches)
    except ServiceFailed as error:
        raise ServiceFailed(f"{error}. With --no-fetch what was fetched last is used.") from error
    absent = [branch for branch, commit in found.items() if place.repository.commit_of(commit) is None]
    if absent:
        git_remote.fetch(place.repository, place.remote, absent)
    return found


def _origin(place: Place, target: Target, here: str | None, there: str | None) -> Origin:
    relation = None
    if here and there and here != there and target.branch != place.pinned:
        relation = _relation(place.repository, here, there)
    found = origin(target.role, place.mode, local=here is not None, remote=there is not None, relation=relation)
    if relation is Relation.DIVERGED and found is Origin.LOCAL and place.remote:
        output.log(f"{target.branch} and {place.remote.name}/{target.branch} have diverged: building upon yours.")
    return found


def _relation(repository: Repository, here: str, there: str) -> Relation:
    if repository.is_ancestor(there, here):
        return Relation.AHEAD
    return Relation.BEHIND if repository.is_ancestor(here, there) else Relation.DIVERGED


def _wanted(
    repository: Repository, target: Target, base: str | None, default: str, charts_folder: str
) -> dict[str, Entry]:
    """Return the files that the branch should hold; a deployment branch without charts gets some to begin with."""
    wanted = {path: Entry(FILE, repository.id_of(path, data)) for path, data in target.files.items()}
    folder = f"{charts_folder.rstrip('/')}/"
    if target.role is Role.DEPLOYMENT and not (base and repository.files(base, folder)):
        own = repository.files(default, folder)
        wanted |= own or {
            f"{folder}{path}": Entry(FILE, repository.id_of(f"{folder}{path}", data))
            for path, data in charts.packaged().items()
        }
    return wanted


def _changes(
    repository: Repository, base: str | None, wanted: Mapping[str, Entry], where: list[str]
) -> tuple[Change, ...]:
    present = repository.files(base, *wanted) if base else {}
    generated = _generated(repository, base, where) if base else []
    return changes(_contents(wanted), _contents(present), generated)


def _generated(repository: Repository, commit: str, where: list[str]) -> list[str]:
    """Return the files of `commit` that mcci generated."""
    found = repository.holding(commit, HEADER.decode(), *where)
    return [path for path, entry in found.items() if repository.content(entry.content).startswith(HEADER)]


def _contents(entries: Mapping[str, Entry]) -> dict[str, str]:
    # A symbolic link or a file that can be run is not the file that mcci writes, whatever it holds.
    return {
        path: entry.content if entry.mode == FILE else f"{entry.mode} {entry.content}"
        for path, entry in entries.items()
    }


def _no_default(place: Place, branch: str) -> str:
    if place.repository.commit_of("HEAD") is None:
        return "this repository has no commit yet: commit mcci.yml first."
    return f"there is no branch '{branch}': name the default branch in mcci.yml (branches: default: NAME)."
