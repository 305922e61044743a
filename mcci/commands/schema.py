"""`mcci schema`: the JSON Schema of mcci.yml, or its reference page."""

from __future__ import annotations

from pathlib import Path

import click

from mcci.errors import ExitCode


@click.command("schema")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["json", "markdown"]),
    default="json",
    show_default=True,
    help="The JSON Schema for editors and checkers, or the reference page for people.",
)
@click.option("--output", metavar="FILE", type=click.Path(path_type=Path), help="Write it there instead.")
def command(format_: str, output: Path | None) -> int:
    """Print the JSON Schema of mcci.yml (draft 2020-12).

    With `--output .mcci/schema.json` and `# yaml-language-server: $schema=.mcci/schema.json` as the first line of
    mcci.yml, editors complete and check the file.
    """
    from mcci import output as out
    from mcci.clients import files
    from mcci.config import reference, schema

    text = schema.text() if format_ == "json" else reference.markdown()
    if output is None:
        out.text(text.removesuffix("\n"))
        return ExitCode.DONE
    changed = files.replace_all({output: text})
    out.text(f"{out.good('wrote') if changed else out.dim('kept '):5} {output}")
    return ExitCode.DONE
