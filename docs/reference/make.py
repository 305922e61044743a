"""Writes what the program itself knows best, whole pages and parts of pages: `make docs`.

With `--check` it only says which are old.
"""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import yaml

from mcci.cli import COMMANDS, cli

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parents[2]


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
        lines += _section(f"mcci {name}", command, summary)
        if isinstance(command, click.Group):
            for part in command.list_commands(context):
                inner = command.get_command(context, part)
                assert inner is not None
                lines += _section(f"mcci {name} {part}", inner, "", level=3)
    return "\n".join(lines) + "\n"


def _section(name: str, command: click.Command, summary: str, level: int = 2) -> list[str]:
    """Return a command's heading, usage, help and options."""
    context = click.Context(command, info_name=name)
    usage = f"{name} {' '.join(command.collect_usage_pieces(context))}".rstrip()
    lines = ["", f"{'#' * level} {name}", "", "```text", usage, "```", "", *_help(command.help or summary)]
    options = [each for each in command.params if isinstance(each, click.Option) and not each.hidden]
    if options:
        lines += ["", "| option | meaning |", "|---|---|", *(_option(option, context) for option in options)]
    return lines


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


def rehearsals() -> str:
    """Return the page of a rehearsal's file: what its schema says."""
    from mcci.rehearsal.scenario.schema import ACTIONS, SCHEMA

    lines = [
        "# Rehearsals",
        "",
        "Made from the schema by `make docs`: the file that `mcci rehearse` plays. How to use it stands in",
        "[Rehearse a delivery](../how-to/rehearse.md).",
        "",
        "| key | meaning |",
        "|---|---|",
        *(_key(name, each, SCHEMA["required"]) for name, each in SCHEMA["properties"].items() if name != "steps"),
        "| `steps` (required) | What people and the world do, one after the other: see below. |",
        *_keys_below("lab", SCHEMA["properties"]["lab"]),
        *_keys_below("variables.<name>", SCHEMA["properties"]["variables"]["additionalProperties"]),
        "",
        "## Steps",
        "",
        "Each step is a mapping with one of these keys, and `name` where it is to be called something. A step that",
        "does not go as it says ends the rehearsal with exit code 1.",
    ]
    for name, each in ACTIONS.items():
        lines += ["", f"### {name}", "", each["description"], "", "| key | meaning |", "|---|---|"]
        lines += [_key(inner, found, each["required"]) for inner, found in each["properties"].items()]
    return "\n".join(lines) + "\n"


def _keys_below(path: str, schema: dict[str, Any]) -> list[str]:
    return [
        _key(name, each, schema["required"], f"{path}.") for name, each in schema["properties"].items()
    ]  # fmt: skip


def _key(name: str, schema: dict[str, Any], required: list[str], below: str = "") -> str:
    said = [schema.get("description", "")]
    if "enum" in schema:
        said.append(f"One of {_listed(schema['enum'])}.")
    elif schema.get("maximum"):
        said.append(f"A number up to {schema['maximum']}.")
    elif not said[0]:
        said.append({"boolean": "True or false.", "object": "By name."}.get(schema["type"], "Text."))
    needed = " (required)" if name in required else ""
    return f"| `{below}{name}`{needed} | {' '.join(filter(None, said))} |"


def config() -> str:
    """Return the page of mcci.yml, which the command prints."""
    command = [sys.executable, "-m", "mcci", "schema", "--format", "markdown"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def readme() -> str:
    """Return the README, its table of what is there brought up to date."""
    there = f"| commands | {_listed(COMMANDS)} |"
    more = "| beside them | the job templates; Helm charts; infrastructure code; the sample application |"
    return _part(ROOT / "README.md", "commands", ["| | |", "|---|---|", there, more])


def index() -> str:
    """Return the documentation's index, its list of decisions brought up to date."""
    paths = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    titles = [path.read_text(encoding="utf-8").splitlines()[0].lstrip("# ") for path in paths]
    lines = [f"- [{title}](decisions/{path.name})" for title, path in zip(titles, paths, strict=True)]
    return _part(ROOT / "docs" / "index.md", "decisions", lines)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _part(path: Path, name: str, lines: list[str]) -> str:
    """Return the page with `lines` between its two comments of that name."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, rest = path.read_text(encoding="utf-8").split(begin)
    after = rest.split(end)[1]
    return "\n".join([f"{before}{begin}", "", *lines, "", f"{end}{after}"])


PAGES = {
    "docs/reference/commands.md": commands,
    "docs/reference/templates.md": templates,
    "docs/reference/config.md": config,
    "docs/reference/rehearsals.md": rehearsals,
    "docs/index.md": index,
    "README.md": readme,
}


def main() -> int:
    """Write the pages, or with `--check` name the old ones and end with 1."""
    texts = {name: make() for name, make in PAGES.items()}
    old = [name for name, text in texts.items() if not _holds(ROOT / name, text)]
    if "--check" in sys.argv[1:]:
        sys.stderr.write("".join(f"{name} is old: make docs\n" for name in old))
        return 1 if old else 0
    for name in old:
        (ROOT / name).write_text(texts[name], encoding="utf-8")
    return 0


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main())
