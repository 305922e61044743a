"""The acting part: commits made, local branches moved, branches pushed, merge requests opened."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from mcci.clients import git_remote, gitlab
from mcci.delivery.sync.plan import Change, Kind, folded, is_ours, message
from mcci.errors import McciError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mcci.clients.git import Author, Repository
    from mcci.clients.git_remote import Remote
    from mcci.clients.gitlab import Project
    from mcci.delivery.sync.survey import State


class Outcome(Enum):
    """What became of a branch."""

    UP_TO_DATE = "up to date"
    DIFFERS = "differs"
    UNPUSHED = "not pushed"
    COMMITTED = "committed"
    IN_CHECKOUT = "in your checkout, not committed"
    WAITING = "waiting to be merged into your checkout"
    PUSHED = "pushed"
    PROPOSED = "proposed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What was found and done: `commit` was put on the branch `onto`, which may be one that waits to be merged."""

    branch: str
    outcome: Outcome
    changes: tuple[Change, ...] = ()
    created: bool = False
    commit: str | None = None
    onto: str | None = None
    merge_request: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Commits:
    """How commits are made: where, by whom, and from which source they tell that they come."""

    repository: Repository
    author: Author | None
    source: str

    def make(self, state: State) -> str:
        """Return a new commit upon the state's base; no branch moves."""
        entries = {
            change.path: None if change.kind is Kind.REMOVED else state.wanted[change.path] for change in state.changes
        }
        text = message(state.branch, state.changes, self.source)
        return self.repository.commit(state.base, entries, text, self.author)

    def make_waiting(self, state: State, present: str | None, where: str) -> str:
        """Return a commit for a branch that waits to be merged: the one that is there (`present`), if it says the same.

        Raises `McciError` when somebody else's work stands there; `where` names the branch.
        """
        if present and not is_ours(self.repository.message(present), state.branch):
            raise McciError(f"{where} holds a commit that `mcci sync` did not make: merge that branch, or delete it.")
        made = self.make(state)
        if present and self._same(present, made):
            return present
        return made

    def _same(self, one: str, other: str) -> bool:
        repository = self.repository
        return repository.tree(one) == repository.tree(other) and repository.parents(one) == repository.parents(other)


def waiting_branch(branch: str) -> str:
    """Return the branch on which the changes for `branch` wait to be merged."""
    return f"mcci/sync-{branch}"


def show(states: Sequence[State]) -> list[Result]:
    """Return what would change."""
    return [
        _result(state, Outcome.DIFFERS if state.changes else Outcome.UNPUSHED) if state.differs else _nothing(state)
        for state in states
    ]


def commit_here(states: Sequence[State], commits: Commits) -> list[Result]:
    """Commit to the local branches: all, or none. A branch that is checked out is left to its user."""
    repository = commits.repository
    checked_out = repository.checked_out()
    moves: dict[str, tuple[str | None, str | None]] = {}
    results = []
    for state in states:
        folder = checked_out.get(state.branch)
        waits = waiting_branch(state.branch)
        waiting = repository.commit_of(f"refs/heads/{waits}")
        if state.changes and folder is None:
            old = repository.commit_of(f"refs/heads/{state.branch}")
            new = commits.make(state)
            moves[state.branch] = (new, old)
            results.append(_result(state, Outcome.COMMITTED, commit=new, onto=state.branch))
        elif state.changes and folder and not _on_disk(repository, state, folder):
            new = commits.make_waiting(state, waiting, waits)
            moves[waits] = (new, waiting)
            results.append(_result(state, Outcome.WAITING, commit=new, onto=waits))
        else:
            if waiting and waits not in checked_out and is_ours(repository.message(waiting), state.branch):
                moves[waits] = (None, waiting)  # nothing waits any more
            results.append(_result(state, Outcome.IN_CHECKOUT) if state.changes else _nothing(state))
    moves = {branch: (new, old) for branch, (new, old) in moves.items() if new != old}
    if moves:
        repository.move(moves)
    return results


def push(states: Sequence[State], commits: Commits, remote: Remote) -> list[Result]:
    """Push to the remote's branches: all, or none."""
    made = {state.branch: _to_push(state, commits, remote) for state in states if state.differs}
    if made:
        old = {state.branch: state.remote for state in states}
        _push(commits.repository, remote, {branch: (new, old[branch]) for branch, new in made.items()})
    return [_pushed(state, made[state.branch]) if state.differs else _nothing(state) for state in states]


def propose(states: Sequence[State], commits: Commits, remote: Remote, project: Project) -> list[Result]:
    """Push each branch's changes to a branch of their own and open a merge request into it.

    A branch that the remote lacks has nothing to be merged into: it is pushed itself.
    """
    names = {state.branch: waiting_branch(state.branch) if state.remote else state.branch for state in states}
    there = _fetched_heads(commits.repository, remote, [name for name in names.values() if name not in names])
    made = {}
    for state in states:
        onto = names[state.branch]
        if state.differs and state.remote:
            made[state.branch] = commits.make_waiting(state, there.get(onto), f"{remote.name}/{onto}")
        elif state.differs:
            made[state.branch] = _to_push(state, commits, remote)
    moves = {names[branch]: (new, there.get(names[branch])) for branch, new in made.items()}
    moves = {name: (new, old) for name, (new, old) in moves.items() if new != old}
    if moves:
        _push(commits.repository, remote, moves)
    results = []
    for state in states:
        if not state.differs:
            results.append(_nothing(state))
        elif state.remote:
            results.append(_proposed(state, made[state.branch], names[state.branch], project))
        else:
            results.append(_pushed(state, made[state.branch]))
    return results


def _push(repository: Repository, remote: Remote, moves: Mapping[str, tuple[str, str | None]]) -> None:
    try:
        git_remote.push(repository, remote, moves)
    except git_remote.Rejected as error:
        advice = (
            "A branch moved meanwhile: run it again." if error.moved else "Protected branches take --merge-request."
        )
        raise McciError(f"{error} {advice}") from error


def _to_push(state: State, commits: Commits, remote: Remote) -> str:
    """Return the commit to push to the branch itself. Raises `McciError` rather than push what the user has not."""
    messages = (commits.repository.message(commit) for commit in state.unpushed)
    foreign = [text for text in messages if not is_ours(text, state.branch)]
    if foreign:
        newest = foreign[0].splitlines()[0] if foreign[0].strip() else "without a message"
        raise McciError(
            f"{state.branch} has {len(foreign)} commits that {remote.name} lacks (the newest: {newest})."
            f" Push them first: `git push {remote.name} {state.branch}`."
        )
    if state.changes:
        return commits.make(state)
    assert state.base
    return state.base


def _proposed(state: State, commit: str, onto: str, project: Project) -> Result:
    title = f"{message(state.branch, state.changes, '').splitlines()[0]} ({state.branch})"
    files = "\n".join(
        f"- {kind.value} `{path}`" + (f" ({count} files)" if count > 1 else "")
        for path, kind, count in folded(state.changes)
    )
    opened = gitlab.open_merge_request(project, source=onto, target=state.branch, title=title, description=files)
    return _result(state, Outcome.PROPOSED, commit=commit, onto=onto, merge_request=opened.url)


def _pushed(state: State, commit: str) -> Result:
    return _result(state, Outcome.PUSHED, commit=commit, onto=state.branch)


def _nothing(state: State) -> Result:
    return Result(branch=state.branch, outcome=Outcome.UP_TO_DATE)


def _result(
    state: State,
    outcome: Outcome,
    *,
    commit: str | None = None,
    onto: str | None = None,
    merge_request: str | None = None,
) -> Result:
    return Result(
        branch=state.branch,
        outcome=outcome,
        changes=state.changes,
        created=state.is_new,
        commit=commit,
        onto=onto,
        merge_request=merge_request,
    )


def _fetched_heads(repository: Repository, remote: Remote, branches: list[str]) -> dict[str, str]:
    found = git_remote.heads(repository, remote, branches) if branches else {}
    absent = [branch for branch, commit in found.items() if repository.commit_of(commit) is None]
    if absent:
        git_remote.fetch(repository, remote, absent)
    return found


def _on_disk(repository: Repository, state: State, folder: Path) -> bool:
    """Return whether the user's files are as the commit would make them: then there is nothing to merge."""
    removed = [change.path for change in state.changes if change.kind is Kind.REMOVED]
    wanted = {change.path: state.wanted[change.path].content for change in state.changes if change.path not in removed}
    there = repository.ids_on_disk(folder, [*wanted, *removed])
    return there == wanted
