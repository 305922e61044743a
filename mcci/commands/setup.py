"""`mcci setup`: make a GitLab project ready for its pipelines."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mcci.cli import config_option, format_option
from mcci.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.clients.gitlab import Project
    from mcci.clients.gitlab_settings import Settings
    from mcci.config.model import Config
    from mcci.delivery.setup.model import Plan, Wanted


@click.command("setup")
@config_option
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 when the project is not as it should be.")
@click.option("--dry-run", is_flag=True, help="Change nothing; show what would be done.")
@click.option(
    "--values", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
    help="The variables' values: YAML, by name; a file's content by {file: PATH}. By default they are asked for.",
)  # fmt: skip
@click.option("--schedule", metavar="CRON", default="", help='Build on new base images at these times: "0 3 * * *".')
@click.option("--hide", is_flag=True, help="Hide new secrets: nobody can read them in GitLab's settings.")
@click.option(
    "--agent-tokens", metavar="DIR", type=click.Path(path_type=Path, file_okay=False),
    help="Make a token for each cluster agent that has none, and write it to DIR/AGENT.token.",
)  # fmt: skip
@click.option("--remote", default="origin", show_default=True, help="The git remote that is the project.")
@click.option("--yes", is_flag=True, help="Do not ask before the changes are made.")
@format_option()
def command(
    config: Path,
    check: bool,
    dry_run: bool,
    values: Path | None,
    schedule: str,
    hide: bool,
    agent_tokens: Path | None,
    remote: str,
    yes: bool,
    format_: str,
) -> int:
    """Make the GitLab project ready: its branches' protection, variables, environments, tokens, agents.

    Shows what it is going to do first, changes only what differs, and takes nothing away. Needs GITLAB_TOKEN with the
    scope `api` and the role of a maintainer. The values of variables are never shown.
    """
    from mcci.clients import private_files, repository
    from mcci.clients.gitlab_settings import Settings
    from mcci.delivery.setup.values import read
    from mcci.delivery.setup.wanted import wanted

    if agent_tokens is not None:
        private_files.refuse_committed(agent_tokens / "agent.token")
    model = repository.load_config(config)
    should = wanted(model, _cron(schedule), hides=hide, agent_tokens=agent_tokens)
    given = read(values, should.variables) if values else {}
    settings = Settings(_project(config, model, remote))
    plan = _plan(settings, should, given)
    if not (check or dry_run) and plan.missing and sys.stdin.isatty():
        plan = _plan(settings, should, {**given, **_asked(plan)})
    goes_on = not (check or dry_run) and _confirmed(plan, yes=yes or format_ == "json", format_=format_)
    if goes_on:
        _act(settings, plan)
    if format_ == "json":
        _json(plan, done=goes_on)
    elif not goes_on:
        _text(plan)
    if dry_run:
        return ExitCode.DONE
    unsettled = plan.missing or plan.problems or (plan.changes and not goes_on)
    return ExitCode.NO if unsettled else ExitCode.DONE


def _plan(settings: Settings, should: Wanted, values: Mapping[str, str]) -> Plan:
    from mcci.delivery.setup.plan import plan
    from mcci.delivery.setup.run import survey

    return plan(should, survey(settings, should), values)


def _cron(text: str) -> str:
    if text and len(text.split()) != 5:
        raise UsageError(f"--schedule '{text}' is no time of cron's: it has five parts, as in \"0 3 * * *\".")
    return " ".join(text.split())


def _project(config: Path, model: Config, name: str) -> Project:
    from mcci import job
    from mcci.clients import git_remote, gitlab
    from mcci.clients import repository as checkout
    from mcci.clients.git import Repository

    current = job.read()
    remote = git_remote.find(Repository(checkout.root(config.absolute().parent)), name)
    server, path = (gitlab.address(remote.url) if remote else None) or ("", "")
    server, path = current.server_url or model.gitlab.url or server, current.project or path
    if not server or not path:
        raise UsageError(
            f"the remote {name} does not tell which GitLab project it is: set CI_SERVER_URL and CI_PROJECT_PATH."
        )
    if not current.token:
        raise UsageError(
            "`mcci setup` needs GITLAB_TOKEN: a personal or project access token with the scope `api` and the role of a"
            " maintainer."
        )
    return gitlab.Project(server_url=server, path=path, token=current.token)


def _asked(plan: Plan) -> dict[str, str]:
    """Ask for the values that lack; one that is left empty still does."""
    found: dict[str, str] = {}
    for each in plan.missing:
        if each.file:
            path = click.prompt(f"{each.key}, {each.use}: a file", default="", show_default=False, err=True)
            if path:
                from mcci.clients import files

                found[each.key] = files.read(Path(path).expanduser()).decode("utf-8", "replace")
        elif value := click.prompt(
            f"{each.key}, {each.use}", default="", show_default=False, hide_input=True, err=True
        ):
            found[each.key] = value
    return found


def _confirmed(plan: Plan, *, yes: bool, format_: str) -> bool:
    """Show the plan, and ask."""
    if not plan.changes:
        return False
    if yes:
        if format_ == "text":
            _text(plan)
        return True
    if not sys.stdin.isatty():
        raise UsageError("nobody is there to be asked before the changes are made: give --yes, or --dry-run to look.")
    _text(plan)
    return click.confirm("Make these changes?", err=True)


def _act(settings: Settings, plan: Plan) -> None:
    from mcci import output
    from mcci.delivery.setup.run import act

    for change in plan.changes:
        act(settings, change)
        output.log(f"done: {change.kind.value} {change.name}")


def _text(plan: Plan) -> None:
    from mcci import output

    for change in plan.changes:
        sign = output.good("+") if change.is_new else output.notable("~")
        output.text(f"{sign} {change.kind.value} {change.name}: {'; '.join(change.says)}")
    for each in plan.missing:
        output.text(f"{output.bad('?')} variable {each.key} has no value: {each.use}. Give it with --values.")
    for problem in plan.problems:
        output.text(f"{output.bad('!')} {problem}")
    if plan.is_done:
        output.text(output.good("The project is as mcci.yml needs it."))


def _json(plan: Plan, *, done: bool) -> None:
    from mcci import output

    body = {
        "changes": [
            {"kind": each.kind.value, "name": each.name, "new": each.is_new, "says": list(each.says), "done": done}
            for each in plan.changes
        ],
        "missing": [{"variable": each.key, "use": each.use} for each in plan.missing],
        "problems": list(plan.problems),
    }
    output.json_document("setup", 1, body)
