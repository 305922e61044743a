"""The pages, taken apart: headings, links, code, commands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
PAGES = (*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md")))
NAMES = tuple(path.relative_to(ROOT).as_posix() for path in PAGES)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language and text, and the line that it begins on."""

    language: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Step:
    """A command line of a `console` block, what the page says it prints, and the exit code it ends with."""

    command: str
    output: str
    exit_code: int
    line: int


@dataclass(frozen=True, slots=True)
class Page:
    """One page."""

    path: Path
    text: str
    tokens: tuple[Token, ...]

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The fenced blocks, in order."""
        return tuple(
            Block(token.info.strip(), token.content, (token.map or [0])[0] + 1)
            for token in self.tokens
            if token.type == "fence"
        )

    @property
    def place(self) -> str:
        """Where the page's commands are run, as the page's own `<!-- console: PLACE -->` says."""
        found = re.search(r"<!-- console: ([a-z]+) -->", self.text)
        return found[1] if found else ""

    @property
    def steps(self) -> tuple[Step, ...]:
        """The command lines of all `console` blocks, in order."""
        return tuple(step for block in self.blocks if block.language == "console" for step in _steps(block))

    @property
    def links(self) -> tuple[str, ...]:
        """The targets of links and images."""
        inline = (child for token in self.tokens for child in token.children or ())
        found = (str(child.attrs.get("href") or child.attrs.get("src") or "") for child in inline)
        return tuple(link for link in found if link) + tuple(re.findall(r'(?:src|href|srcset)="([^"]+)"', self._html()))

    @property
    def code(self) -> tuple[str, ...]:
        """The text of inline code."""
        return tuple(
            child.content for token in self.tokens for child in token.children or () if child.type == "code_inline"
        )

    @property
    def anchors(self) -> frozenset[str]:
        """The anchors of the headings, as GitLab and GitHub make them."""
        found: list[str] = []
        for index, token in enumerate(self.tokens):
            if token.type == "heading_open":
                slug = re.sub(r"[^\w\- ]", "", _plain(self.tokens[index + 1])).strip().lower().replace(" ", "-")
                found.append(slug if slug not in found else f"{slug}-{found.count(slug)}")
        return frozenset(found)

    def _html(self) -> str:
        return "".join(token.content for token in self.tokens if token.type in ("html_block", "inline"))


@cache
def page(name: str) -> Page:
    """Return the page at a path below the repository's root."""
    path = ROOT / name
    text = path.read_text(encoding="utf-8")
    return Page(path, text, tuple(MarkdownIt("commonmark").enable("table").parse(text)))


def _plain(token: Token) -> str:
    return "".join(child.content for child in token.children or () if child.type in ("text", "code_inline"))


def _steps(block: Block) -> Iterator[Step]:
    """Yield the commands of a block: `$ ` begins one, a `\\` at its end goes on, the rest is what it prints."""
    lines = block.text.splitlines()
    index = 0
    while index < len(lines):
        start = index
        assert lines[index].startswith("$ "), f"line {block.line + index + 1}: a console block begins with a command"
        command = lines[index][2:]
        while command.endswith("\\"):
            index += 1
            command += "\n" + lines[index]
        index += 1
        output = []
        while index < len(lines) and not lines[index].startswith("$ "):
            output.append(lines[index])
            index += 1
        code = re.search(r"# exit code (\d+)", command)
        yield Step(command, "\n".join(output).strip(), int(code[1]) if code else 0, block.line + start + 1)


def pattern(step: Step) -> str:
    """Return the expression for what a command prints: `…` is any text, alone on a line any lines."""
    return "".join(_line(line) for line in step.output.splitlines())


def _line(line: str) -> str:
    if line.strip() == "…":
        return r"(?:[^\n]*\n)*?"
    return r"[^\n]*".join(re.escape(part) for part in line.rstrip().split("…")) + r"[ ]*\n"
