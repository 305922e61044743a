"""What the pages say is there: links, paths, commands, rules, exit codes, examples."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import pairwise

import pytest

from mcci.cli import COMMANDS
from mcci.config.load import load
from mcci.errors import ExitCode
from tests.docs.pages import NAMES, ROOT, page

TOP = {path.name for path in ROOT.iterdir()} - {".git", ".venv", ".cache"}


@pytest.mark.parametrize("name", NAMES)
def test_links(name: str) -> None:
    """Every link to a page, a heading or a file of the repository leads somewhere."""
    missing = []
    for link in page(name).links:
        target, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        path = (page(name).path.parent / target).resolve() if target else page(name).path
        has_anchor = not anchor or path.suffix != ".md" or anchor in page(path.relative_to(ROOT).as_posix()).anchors
        if not path.exists() or not has_anchor:
            missing.append(link)
    assert missing == []


@pytest.mark.parametrize("name", NAMES)
def test_paths(name: str) -> None:
    """Every path of this repository that a page names exists; a word in capitals stands for any name."""
    named = [code for code in page(name).code if "/" in code and code.split("/")[0] in TOP and " " not in code]
    named = [code for code in named if not code.startswith("mcci/sync-")]  # a branch's name
    patterns = {code: re.sub(r"\b[A-Z][A-Z0-9-]+\b|<[^>]+>", "*", code).rstrip("/") for code in named}
    assert [code for code, pattern in patterns.items() if not list(ROOT.glob(pattern))] == []


@pytest.mark.parametrize("name", NAMES)
def test_commands_exist(name: str) -> None:
    """Every `mcci COMMAND --option` in a block or in the text is a command that exists, with that option."""
    import click

    from mcci.cli import cli

    shown = [block.text for block in page(name).blocks if block.language != "yaml"] + list(page(name).code)
    unknown = []
    for line in "\n".join(shown).replace("\\\n", " ").splitlines():
        found = re.match(r"(?:\$ )?mcci ([a-z]+)((?: [^#|&;>]*)?)", line.strip())
        if found is None:
            continue
        if found[1] not in COMMANDS:
            unknown.append(line)
            continue
        command = cli.get_command(click.Context(cli), found[1])
        assert command is not None
        inner = command.commands.values() if isinstance(command, click.Group) else ()
        parameters = [*command.params, *(each for sub in inner for each in sub.params)]
        options = {option for each in parameters for option in (*each.opts, *each.secondary_opts)} | {"--help", "-h"}
        unknown += [line for option in re.findall(r"(?<=\s)--?[a-z][a-z-]*", found[2]) if option not in options]
    assert unknown == []


def test_every_command() -> None:
    """Every command has its section in the reference."""
    assert {f"mcci-{name}" for name in COMMANDS} <= page("docs/reference/commands.md").anchors


def test_every_exit_code() -> None:
    """Every exit code is unique, and the reference lists exactly these, in order."""
    text = page("docs/reference/exit-codes.md").text
    listed = [int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)]
    assert listed == sorted({int(code) for code in ExitCode})
    assert len({int(code) for code in ExitCode.__members__.values()}) == len(ExitCode.__members__)


def test_reference_is_current() -> None:
    """The pages that are made from the program are what the program makes."""
    done = subprocess.run(
        [sys.executable, "docs/reference/make.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_configurations(name: str) -> None:
    """Every whole mcci.yml that a page shows is one that mcci takes."""
    for block in page(name).blocks:
        if block.language == "yaml" and re.search(r"^application:", block.text, re.MULTILINE):
            load(block.text.encode(), f"{name}:{block.line}")


def test_decisions_are_numbered() -> None:
    """Decisions are numbered without a gap, fit on a screen, and the index names every one."""
    paths = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [int(path.name[:4]) for path in paths]
    assert numbers[0] == 1
    assert all(after == before + 1 for before, after in pairwise(numbers))
    assert [path.name for path in paths if len(path.read_text().splitlines()) > 50] == []
    index = page("docs/index.md").links
    assert [path.name for path in paths if f"decisions/{path.name}" not in index] == []


def test_every_page_is_found() -> None:
    """Every page of the documentation can be reached from the index."""
    seen = set()
    todo = ["docs/index.md"]
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        for link in page(name).links:
            target = link.partition("#")[0]
            path = (page(name).path.parent / target).resolve()
            if target.endswith(".md") and not re.match(r"[a-z]+:", link) and path.is_relative_to(ROOT):
                todo.append(path.relative_to(ROOT).as_posix())
    assert sorted(set(NAMES) - seen) == []
