"""`mcci init`: write an mcci.yml for the repository."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mcci.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from mcci.config.discover import Checkout


@click.command("init")
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    default=Path("mcci.yml"),
    show_default=True,
    help="The file to write; its folder is the repository that is looked at.",
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def command(output: Path, force: bool) -> int:
    """Write an mcci.yml for this repository.

    It finds the services by their Dockerfiles, and what they are made of by pom.xml, package.json, go.mod,
    pyproject.toml and setup.cfg; ports, charts, branches and the git remote. What it cannot know is marked FILL IN.
    """
    from mcci import output as out
    from mcci.clients import files, tree
    from mcci.config import discover, schema
    from mcci.config.load import load

    if not force and (output.exists() or output.is_symlink()):
        raise UsageError(f"{output} is there already; --force writes over it.")
    folder = output.parent
    found = discover.discover(tree.tree(folder), _checkout(folder))
    text = discover.text(found)
    load(text.encode(), str(output))
    for path in files.replace_all({output: text, folder / discover.SCHEMA: schema.text()}):
        out.text(f"{out.good('wrote')} {path}")
    names = ", ".join(service.name for service in found.services)
    out.text(f"found {len(found.services)} service{'s' if len(found.services) != 1 else ''}: {names}")
    count = text.count("FILL IN:")
    out.text(f"next: fill in the {count} places marked FILL IN, then run 'mcci generate'.")
    return ExitCode.DONE


def _checkout(folder: Path) -> Checkout:
    from mcci.clients import repository
    from mcci.config.discover import Checkout

    try:
        root = repository.root(folder)
    except UsageError:
        return Checkout(folder=folder.resolve().name)
    if root.resolve() != folder.resolve():  # a project inside a larger repository: the remote is not its own
        return Checkout(folder=folder.resolve().name)
    return Checkout(
        folder=root.name,
        remote=repository.remote(root) or "",
        default=repository.default_branch(root) or repository.branch(root) or "",
        branches=repository.branches(root),
    )
