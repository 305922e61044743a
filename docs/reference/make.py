"""Writes the reference pages that are made from the program: `make docs`. With `--check` it only says which are old."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import click
import yaml

from mcci.cli import COMMANDS, cli

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def commands() -> str:
    """Return the page of the commands: what `--help` says, for people who read."""
    lines = [
        "# Commands",
        "",
        "Made from the program by `make docs`. Every command takes `--help`. Results go to stdout, logs and errors to",
        "stderr; [exit codes](exit-codes.md) are stable. `NO_COLOR` and `FORCE_COLOR` are honoured.",
    ]
    context = click.Context(cli, info_name="mcci")
    for name, (_, summary) in COMMANDS.items():
        command = cli.get_command(context, name)
        assert command is not None
        usage = " ".join(command.collect_usage_pieces(click.Context(command, info_name=name)))
        lines += ["", f"## mcci {name}", "", "```text", f"mcci {name} {usage}".rstrip(), "```"]
        lines += ["", *_help(command.help or summary)]
        options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
        if options:
            lines += ["", "| option | meaning |", "|---|---|"]
            lines += [_option(option, click.Context(command)) for option in options if not option.hidden]
    return "\n".join(lines) + "\n"


def _help(text: str) -> list[str]:
    """Return the help's paragraphs; lines that click keeps as they are stand in a block."""
    lines: list[str] = []
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(text)):
        if paragraph.startswith("\b"):
            lines += ["```text", *inspect.cleandoc(paragraph[1:]).splitlines(), "```", ""]
        else:
            lines += [*paragraph.splitlines(), ""]
    return lines[:-1]


def _option(option: click.Option, context: click.Context) -> str:
    record = option.get_help_record(context)
    assert record is not None
    names, meaning = record
    names = names.replace("|", r"\|")
    return f"| `{names}` | {' '.join(meaning.split()).replace('|', chr(92) + '|')} |"


def templates() -> str:
    """Return the page of the job templates: what each makes and what it is filled in with."""
    lines = [
        "# Job templates",
        "",
        "Made from `pipeline-templates/` by `make docs`. Each is a GitLab CI file with a `spec: inputs:` header,",
        "one job kind a file. A file of the same name in your repository's `pipeline-templates/` (`templates` in",
        "mcci.yml) takes the place of mcci's: see [Override a template](../how-to/override-a-template.md).",
    ]
    for path in sorted((ROOT / "pipeline-templates").glob("*.yml")):
        head, _, body = path.read_text(encoding="utf-8").partition("\n---\n")
        inputs = (yaml.safe_load(head) or {}).get("spec", {}).get("inputs") or {}
        about = re.match(r"(?:#[^\n]*\n)*", body)
        words = [line.lstrip("# ") for line in (about[0] if about else "").splitlines()]
        lines += ["", f"## {path.name}", "", *(words or ["Shared settings; the file's comments say more."])]
        if inputs:
            lines += ["", "| input | meaning |", "|---|---|"]
            lines += [f"| `{name}` | {(given or {}).get('description', '')} |" for name, given in inputs.items()]
    return "\n".join(lines) + "\n"


def config() -> str:
    """Return the page of mcci.yml, which the command prints."""
    command = [sys.executable, "-m", "mcci", "schema", "--format", "markdown"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


PAGES = {"commands.md": commands, "templates.md": templates, "config.md": config}


def main() -> int:
    """Write the pages, or with `--check` name the old ones and end with 1."""
    old = [name for name, make in PAGES.items() if not _holds(HERE / name, make())]
    if "--check" in sys.argv[1:]:
        sys.stderr.write("".join(f"docs/reference/{name} is old: make docs\n" for name in old))
        return 1 if old else 0
    for name in old:
        (HERE / name).write_text(PAGES[name](), encoding="utf-8")
    return 0


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main())
