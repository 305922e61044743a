"""The click group: one table of commands, each imported only when it is called or asked for help.

A command is a module in `mcci/commands/` with a click command named `command`.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from mcci import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

Decorated = TypeVar("Decorated", bound="Callable[..., object]")

# name → (module in mcci.commands, the line `mcci --help` shows, so that help imports no command)
COMMANDS = {
    "init": ("init", "Write an mcci.yml for this repository."),
    "setup": ("setup", "Make the GitLab project ready for its pipelines."),
    "generate": ("generate", "Write the GitLab pipelines that mcci.yml describes."),
    "sync": ("sync", "Bring the generated files to the project's branches."),
    "check": ("check", "Find what GitLab would refuse, or should not be run."),
    "simulate": ("simulate", "Show which jobs an event runs, and why."),
    "explain": ("explain", "Say why a job is, or is not, in a pipeline."),
    "graph": ("graph", "Draw the pipelines, their children and triggers."),
    "diff": ("diff", "Compare two versions of the pipelines by what would run."),
    "schema": ("schema", "Print the JSON Schema of mcci.yml."),
    "build": ("build", "Build the images that have work, and push them as candidates."),
    "test": ("test", "Run the candidates, and the declared tests against them."),
    "push": ("push", "Copy the tested images to the release registry, and tag them."),
    "release": ("release", "Turn a release into digests, show it, compare two."),
    "trigger": ("trigger", "Start the deployment branch's pipeline with a release."),
    "deploy": ("deploy", "Bring a release to an environment's clusters with Helm."),
    "verify": ("verify", "Check that what runs is what was deployed, and answers."),
    "rollback": ("rollback", "Bring the last good release back."),
    "canary": ("canary", "Move a service's traffic to a new version, step by step."),
    "doctor": ("doctor", "Check the clusters and what the jobs need, and say what to do."),
    "network": ("network", "Join the clouds by OpenVPN: render, apply, verify."),
    "clusters": ("clusters", "Bring clusters in, have Rancher make them, see how they are."),
    "mesh": ("mesh", "Make one Istio mesh of an environment's clusters: install, join, verify."),
    "lab": ("lab", "Run local clusters to deliver to."),
    "rehearse": ("rehearse", "Play the pipelines on this machine, before they are pushed."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of the table: the order a user meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"mcci.commands.{COMMANDS[cmd_name][0]}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table, importing none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest command when there is none of the name given."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(name, COMMANDS, n=1)
            advice = f" Did you mean '{near[0]}'?" if near else " 'mcci --help' lists the commands."
            ctx.fail(f"No such command '{name}'.{advice}")
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="mcci", message="%(prog)s %(version)s")
def cli() -> None:
    """Deliver microservices to many clouds with GitLab: generate the pipelines, prove them, run their jobs."""


def config_option(function: Decorated) -> Decorated:
    """Add `--config FILE`, passed on as `config: Path`."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        default=Path("mcci.yml"),
        envvar="MCCI_CONFIG",
        show_default="mcci.yml",
        show_envvar=True,
        help="The configuration file.",
    )(function)


def format_option(*choices: str) -> Callable[[Decorated], Decorated]:
    """Add `--format`, passed on as `format_`: `text` or `json`, or the choices given."""
    return click.option(
        "--format",
        "format_",
        type=click.Choice(choices or ("text", "json")),
        default="text",
        show_default=True,
        help="How the result is written.",
    )
