"""`mcci sync`: bring mcci.yml and the generated files to the project's branches."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mcci.cli import config_option, format_option
from mcci.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcci.clients.git import Repository
    from mcci.clients.git_remote import Remote
    from mcci.clients.gitlab import Project
    from mcci.config.model import Config
    from mcci.delivery.sync.plan import Target
    from mcci.delivery.sync.publish import Result
    from mcci.delivery.sync.survey import State
    from mcci.job import Job


@click.command("sync")
@config_option
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 when a branch differs.")
@click.option("--diff", is_flag=True, help="Like --check, and show every difference.")
@click.option("--dry-run", is_flag=True, help="Change nothing; show what would be done.")
@click.option("--push", is_flag=True, help="Push to the remote's branches, all or none; no local branch is moved.")
@click.option(
    "--merge-request", is_flag=True, help="Push to branches of mcci's own and open a merge request from each."
)
@click.option("--remote", "remote_name", default="origin", show_default=True, help="The remote that is the project.")
@click.option("--no-fetch", is_flag=True, help="Do not ask the remote; use what was fetched last.")
@format_option()
def command(
    config: Path,
    check: bool,
    diff: bool,
    dry_run: bool,
    push: bool,
    merge_request: bool,
    remote_name: str,
    no_fetch: bool,
    format_: str,
) -> int:
    """Bring mcci.yml and the generated files to the project's branches.

    Without --push or --merge-request it commits to the local branches and pushes nothing. Your checkout stays as it is:
    index, HEAD and files. Branches that are missing are created; a deployment branch without charts gets them.
    """
    from mcci import job
    from mcci.delivery.sync import publish
    from mcci.delivery.sync.plan import Mode
    from mcci.delivery.sync.survey import Place, survey

    reading = check or diff or dry_run
    _refuse_together(check=check, diff=diff, dry_run=dry_run)
    _refuse_together(push=push, merge_request=merge_request)
    current = job.read()
    repository, model, targets = _wanted(config)
    remote = _remote(repository, remote_name, current, needed=push or merge_request)
    project = _project(remote, current) if merge_request and not reading and remote else None
    head = _head(repository)
    place = Place(
        repository=repository,
        remote=remote,
        mode=Mode.PUSH if push else Mode.PROPOSE if merge_request else Mode.HERE,
        fetch=not no_fetch,
        pinned=current.branch if head is None and not (push or merge_request) else "",
    )
    if reading:
        states = survey(place, targets, model)
        if diff:
            _show_differences(repository, states)
        _report(publish.show(states), format_)
        return ExitCode.NO if not dry_run and any(state.differs for state in states) else ExitCode.DONE
    with repository.locked():
        states = survey(place, targets, model)
        _refuse_old_copy(states, head, config)
        commits = publish.Commits(repository=repository, author=_author(current), source=_source(states, config))
        if project and remote:
            results = publish.propose(states, commits, remote, project)
        elif push and remote:
            results = publish.push(states, commits, remote)
        else:
            results = publish.commit_here(states, commits)
    _report(results, format_)
    _advise(results, remote)
    return ExitCode.DONE


def _refuse_together(**flags: bool) -> None:
    given = [f"--{name.replace('_', '-')}" for name, on in flags.items() if on]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} exclude each other.")


def _wanted(config: Path) -> tuple[Repository, Config, list[Target]]:
    from mcci.clients import files, repository
    from mcci.clients.git import Repository
    from mcci.commands import generate
    from mcci.delivery.sync import plan

    model, generated = generate.load(config)
    path = config.absolute()
    top = repository.root(path.parent)
    if path.parent.resolve() != top.resolve():
        raise UsageError(
            f"{config} is not in the top folder of its repository ({top}), where GitLab looks for pipelines."
        )
    return Repository(top), model, plan.targets(model, path.name, files.read(config), generated.files)


def _head(repository: Repository) -> str | None:
    from mcci.clients import repository as checkout

    return checkout.branch(repository.root)


def _remote(repository: Repository, name: str, job: Job, *, needed: bool) -> Remote | None:
    from mcci.clients import git_remote

    found = git_remote.find(repository, name, job.token)
    if found is None and (needed or name != "origin"):
        raise UsageError(f"this repository has no remote '{name}': `git remote add {name} URL`, or give --remote.")
    return found


def _project(remote: Remote, job: Job) -> Project:
    from mcci.clients import gitlab

    server, path = gitlab.address(remote.url) or ("", "")
    server, path = job.server_url or server, job.project or path
    if not server or not path:
        raise UsageError(
            f"the remote {remote.name} does not tell which GitLab project it is: set CI_SERVER_URL and CI_PROJECT_PATH."
        )
    if not job.token:
        raise UsageError(
            "--merge-request needs GITLAB_TOKEN: a personal, project or group access token with the scope `api`"
            " (a job's own token may not open merge requests)."
        )
    return gitlab.Project(server_url=server, path=path, token=job.token)


def _author(job: Job) -> Any:
    from mcci.clients.git import Author

    return Author(name=job.user_name, email=job.user_email) if job.user_name and job.user_email else None


def _refuse_old_copy(states: Sequence[State], head: str | None, config: Path) -> None:
    """A copy of mcci.yml on another branch must not overwrite the source on the default branch."""
    first = states[0]
    differs = any(change.path == config.name for change in first.changes)
    if differs and head in [state.branch for state in states[1:]]:
        raise UsageError(
            f"{head} is checked out, and its {config.name} differs from {first.branch}'s, which is the source:"
            f" change it there, or run `git switch {first.branch}` first."
        )


def _source(states: Sequence[State], config: Path) -> str:
    first = states[0]
    changed = any(change.path == config.name for change in first.changes)
    return config.name if changed or not first.base else f"{config.name} of {first.branch} at {first.base[:12]}"


def _report(results: Sequence[Result], format_: str) -> None:
    from mcci import output
    from mcci.delivery.sync.plan import folded

    if format_ == "json":
        output.json_document("sync", 1, {"branches": [_as_json(result) for result in results]})
        return
    width = max(len(result.branch) for result in results)
    for result in results:
        output.text(f"{result.branch:{width}}  {_line(result)}")
        for path, kind, count in folded(result.changes):
            many = f" ({count} files)" if count > 1 else ""
            output.text(f"{'':{width}}    {output.dim(f'{kind.value:7}')} {path}{many}")


def _line(result: Result) -> str:
    from mcci import output
    from mcci.delivery.sync.publish import Outcome

    if result.outcome is Outcome.UP_TO_DATE:
        return output.good("up to date")
    words = result.outcome.value
    if result.outcome is Outcome.DIFFERS and result.created:
        words = "does not exist"
    elif result.commit:
        words = f"{'created, ' if result.created else ''}{words}: {result.commit[:12]}"
        words += f" on {result.onto}" if result.onto != result.branch else ""
    where = f" {result.merge_request}" if result.merge_request else ""
    return f"{output.notable(words)}{where}"


def _as_json(result: Result) -> dict[str, Any]:
    return {
        "branch": result.branch,
        "outcome": result.outcome.name.lower().replace("_", "-"),
        "created": result.created,
        "commit": result.commit,
        "onto": result.onto,
        "merge_request": result.merge_request,
        "changes": [{"path": change.path, "kind": change.kind.value} for change in result.changes],
    }


def _advise(results: Sequence[Result], remote: Remote | None) -> None:
    """Say on stderr what is left for the user to do."""
    from mcci import output
    from mcci.delivery.sync.publish import Outcome

    for result in results:
        if result.outcome is Outcome.IN_CHECKOUT:
            paths = " ".join(change.path for change in result.changes)
            output.log(
                f"{result.branch} is checked out and holds these files already: `git add -A {paths}`, then commit."
            )
        elif result.outcome is Outcome.WAITING:
            output.log(
                f"{result.branch} is checked out, and was left alone: `git merge --ff-only {result.onto}` there."
            )
    made = [result.branch for result in results if result.outcome is Outcome.COMMITTED]
    if made and remote:
        output.log(f"Nothing is pushed: `git push {remote.name} {' '.join(made)}`, or use --push or --merge-request.")


def _show_differences(repository: Repository, states: Sequence[State]) -> None:
    from difflib import unified_diff

    from mcci import output

    def lines(id_: str | None) -> list[str]:
        return repository.content(id_).decode("utf-8", "replace").splitlines() if id_ else []

    for state in states:
        before = (
            repository.files(state.base, *(change.path for change in state.changes))
            if state.base and state.changes
            else {}
        )
        for change in state.changes:
            old, new = before.get(change.path), state.wanted.get(change.path)
            name = f"{state.branch}:{change.path}"
            sides = lines(old.content if old else None), lines(new.content if new else None)
            for line in unified_diff(*sides, fromfile=name, tofile=f"{name} (wanted)", lineterm=""):
                output.text(line)
