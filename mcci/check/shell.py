"""What a shell script's commands do with variables, as far as the text tells.

The parser is tree-sitter's grammar of bash, which knows quotes, here-documents, pipelines and redirections, and gets
over what it cannot parse. Nothing here judges: the rules ask whether a command's output reaches the job's log, and
which variables its words carry.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

PRINTERS = frozenset({"echo", "printf", "cat"})
# Commands that pass a secret on in readable form; any other one in a pipeline is taken to consume it.
_FILTERS = frozenset({"base64", "cat", "fold", "hexdump", "nl", "od", "rev", "sort", "tee", "tr", "xxd"})
_TERMINALS = frozenset({"/dev/stdout", "/dev/stderr", "/dev/tty"})
_BOUNDARIES = frozenset({"command_substitution", "process_substitution", "function_definition"})
_MAX_BYTES = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word of a command: its text as written, and the variables whose values it carries."""

    text: str
    variables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One simple command.

    `row` counts lines from 0; `shown`: its output reaches the log; `input`: the variables it is fed; `file`: the file
    that its own redirection writes to, as written, or `""`.
    """

    name: str
    words: tuple[Word, ...]
    input: tuple[str, ...]
    row: int
    shown: bool
    file: str


@lru_cache(maxsize=65536)
def commands(script: str) -> tuple[Command, ...]:
    """Return the simple commands of `script`, in order; a script too large to be one written by hand has none."""
    data = script.encode()
    if len(data) > _MAX_BYTES:
        return ()
    return tuple(_command(node) for node in _walk(_parser().parse(data).root_node) if _is_command(node))


@cache
def _parser() -> Parser:
    import tree_sitter
    import tree_sitter_bash

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))


def _walk(root: Node) -> Iterator[Node]:
    """Yield every named node in the order of the text, without recursion: scripts may nest deeply."""
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(node.named_children))


def _is_command(node: Node) -> bool:
    return node.type in ("command", "declaration_command")


def _command(node: Node) -> Command:
    children = node.named_children
    if node.type == "declaration_command":
        name = _text(node.children[0]) if node.children else ""
        words = children
    else:
        name = next((_text(child) for child in children if child.type == "command_name"), "")
        words = [child for child in children if child.type not in ("command_name", "variable_assignment")]
    fed = [child for child in words if child.type == "herestring_redirect"]
    return Command(
        name=name,
        words=tuple(_word(child) for child in words if child not in fed),
        input=(*(name for child in fed for name in _variables(child)), *_heredoc(node)),
        row=node.start_point.row,
        shown=_shown(node),
        file=_file(node),
    )


def _word(node: Node) -> Word:
    return Word(text=_text(node), variables=tuple(_variables(node)))


def _text(node: Node) -> str:
    return (node.text or b"").decode(errors="replace")


def _variables(node: Node) -> Iterator[str]:
    """Yield the variables whose value `node` carries; of a command substitution, those that it prints."""
    if node.type == "simple_expansion":
        yield _text(node)[1:]
    elif node.type == "expansion":
        name = _carried(node)
        if name:
            yield name
    elif node.type in ("command_substitution", "process_substitution"):
        for inner in _walk(node):
            if inner.type == "command" and _name(inner) in PRINTERS and _shown(inner, node):
                yield from _command_variables(inner)
    else:
        for child in node.named_children:
            yield from _variables(child)


def _carried(node: Node) -> str:
    """Return the variable whose whole value `${…}` becomes: not its length, a part of it, or whether it is set."""
    name = next((_text(child) for child in node.named_children if child.type == "variable_name"), "")
    text = _text(node).removeprefix("${")
    rest = text.removeprefix(name)
    part = re.match(r":(?:\d|\s+-?\d)", rest) is not None
    carried = bool(name) and text.startswith(name) and not rest.startswith(("+", ":+")) and not part
    return name if carried else ""


def _command_variables(node: Node) -> Iterator[str]:
    for child in node.named_children:
        if child.type not in ("command_name", "variable_assignment"):
            yield from _variables(child)


def _name(node: Node) -> str:
    return next((_text(child) for child in node.named_children if child.type == "command_name"), "")


def _heredoc(node: Node) -> Iterator[str]:
    parent = node.parent
    if parent is None or parent.type != "redirected_statement":
        return
    for child in parent.named_children:
        if child.type == "heredoc_redirect":
            for body in child.named_children:
                if body.type == "heredoc_body":
                    yield from _variables(body)


def _file(node: Node) -> str:
    """Return the file that the command's own redirection sends its output to."""
    parent = node.parent
    if parent is None or parent.type != "redirected_statement" or parent.named_children[0] != node:
        return ""
    redirects = [child for child in parent.named_children if child.type == "file_redirect" and _leaves(child)]
    return _text(redirects[-1].named_children[-1]).strip("\"'") if redirects else ""


def _shown(node: Node, top: Node | None = None) -> bool:
    """Say whether what `node` prints reaches the log (or the substitution `top` that it stands in)."""
    child = node
    parent = node.parent
    while parent is not None and child != top:
        if parent.type in _BOUNDARIES and parent != top:
            return False
        if parent.type == "pipeline" and not _passed_on(_after(parent, child)):
            return False
        if parent.type == "redirected_statement" and not _redirects_keep(parent):
            return False
        child, parent = parent, parent.parent
    return True


def _after(parent: Node, child: Node) -> list[Node]:
    siblings = parent.named_children
    return siblings[siblings.index(child) + 1 :]


def _passed_on(stages: list[Node]) -> bool:
    """Say whether every later stage of a pipeline passes its input on, readable."""
    for stage in stages:
        inner = stage.named_children[0] if stage.type == "redirected_statement" else stage
        if inner.type != "command" or _name(inner) not in _FILTERS:
            return False
        if stage.type == "redirected_statement" and not _redirects_keep(stage):
            return False
    return True


def _redirects_keep(statement: Node) -> bool:
    """Say whether a statement's output still reaches the log after its redirections."""
    for redirect in statement.named_children:
        if redirect.type == "file_redirect" and _leaves(redirect):
            return False
        if redirect.type == "heredoc_redirect":
            for child in redirect.named_children:
                if child.type == "file_redirect" and _leaves(child):
                    return False
                if child.type == "pipeline" and not _passed_on(child.named_children):
                    return False
    return True


def _leaves(redirect: Node) -> bool:
    """Say whether a redirection takes standard output away from the log."""
    operator = next((child.type for child in redirect.children if not child.is_named), "")
    descriptors = [_text(child) for child in redirect.named_children if child.type == "file_descriptor"]
    target = _text(redirect.named_children[-1]) if redirect.named_children else ""
    if operator not in (">", ">>", ">|", "&>", "&>>") or descriptors not in ([], ["1"]):
        return False
    return target not in _TERMINALS
