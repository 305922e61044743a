"""Bytes to YAML nodes, with every way a file can be unreadable turned into a finding at its place.

ruamel.yaml composes the nodes (YAML 1.2: `off` and `no` are text, `18.10` keeps its zero as node text). Aliases and
merge keys are taken, but a file whose aliases multiply beyond reason is refused before anything walks it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from mcci.errors import InvalidInput
from mcci.findings import Finding, Position

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_BYTES = 4 * 1024 * 1024
MAX_VALUES = 500_000
MAX_DEPTH = 50
MAX_SEPARATORS = 100_000
_TAG = "tag:yaml.org,2002:"
_KNOWN_TAGS = frozenset(("str", "int", "float", "bool", "null", "map", "seq", "merge", "timestamp", "value"))
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NESTED = re.compile(rf"(?:[\[{{][^\[\]{{}}]*+){{{MAX_DEPTH + 1}}}")
_SURROGATE = re.compile("[\ud800-\udfff]")
_BYTE_ORDER_MARKS = ((b"\xef\xbb\xbf", "UTF-8"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))


def read(data: bytes, file: str) -> MappingNode:
    """Return the root mapping of `data`. Raises `InvalidInput` with one finding."""
    text = _decode(data, file)
    _check_length(text, file)
    yaml = YAML(typ="safe", pure=True)
    yaml.composer.warn_double_anchors = False  # YAML lets a later anchor take an earlier one's name
    try:
        documents = list(yaml.compose_all(text))
    except MarkedYAMLError as error:
        raise _syntax(error, file) from error
    except (YAMLError, ValueError) as error:
        raise _refuse(file, f"this is not YAML: {shown(str(error).splitlines()[0])}.") from error
    except RecursionError as error:
        raise _too_deep(file) from error
    roots = [node for node in documents if node is not None]
    if not roots:
        raise _refuse(file, "the file is empty.", "'mcci init' writes one for this repository.")
    if len(roots) > 1:
        raise _refuse(file, "the file holds more than one YAML document.", "Keep one.", at(roots[1], file))
    root = roots[0]
    if not isinstance(root, MappingNode):
        raise _refuse(file, "the file must be a mapping of keys.", "It begins with 'version: 1'.", at(root, file))
    _check_nodes(root, file)
    return root


def at(node: Node, file: str) -> Position:
    """Return where `node` starts."""
    mark: Any = node.start_mark
    return Position(file=file, line=mark.line + 1, column=mark.column + 1)


def tag(node: Node) -> str:
    """Return a node's short tag: `str`, `int`, `float`, `bool`, `null`, `map`, `seq`, `merge`, or its own."""
    return str(node.tag).removeprefix(_TAG)


def pairs(node: MappingNode, file: str) -> tuple[dict[str, tuple[Node, Node]], list[Finding]]:
    """Return a mapping's items, name → (key node, value node), merge keys applied; and what is wrong with its keys."""
    found: list[Finding] = []
    own: dict[str, tuple[Node, Node]] = {}
    merged: dict[str, tuple[Node, Node]] = {}
    for key_node, value_node in node.value:
        if key_node.value == "<<" and tag(key_node) == "merge":
            for source in _merge_sources(value_node, file):
                items, wrong = pairs(source, file)
                merged = {**items, **merged}
                found += wrong
        elif not isinstance(key_node, ScalarNode):
            found.append(Finding(rule="config-key", message="a key must be text.", position=at(key_node, file)))
        elif key_node.value in own:
            first = at(own[key_node.value][0], file)
            message = f"the key '{shown(key_node.value)}' is here a second time (first at line {first.line})."
            position = at(key_node, file)
            found.append(
                Finding(rule="config-duplicate-key", message=message, position=position, help="Keep one of the two.")
            )
        else:
            own[key_node.value] = (key_node, value_node)
    return ({**merged, **own} if merged else own), found


def plain(node: Node, file: str) -> tuple[object, list[Finding]]:
    """Return a node as plain Python values, for free-form keys such as Helm values, and what is wrong with its keys."""
    found: list[Finding] = []

    def value(node: Node) -> object:
        if isinstance(node, MappingNode):
            items, wrong = pairs(node, file)
            found.extend(wrong)
            return {key: value(each) for key, (_, each) in items.items()}
        if isinstance(node, SequenceNode):
            return [value(item) for item in node.value]
        return scalar(node)

    return value(node), found


def scalar(node: Node) -> object:
    """Return a scalar as YAML 1.2 reads it: text, int, float, bool or None. What only looks like a number is text."""
    kind, text = tag(node), str(node.value)
    try:
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() in ("true", "yes", "on", "y")  # the last three under a '%YAML 1.1' directive
        if kind == "int":
            return int(text.replace("_", ""), 0 if text.lstrip("+-").startswith(("0x", "0o", "0b")) else 10)
        if kind == "float":
            return float(text.lower().replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:
        pass
    return text


def size(node: Node) -> int:
    """Return how many values `node` holds, those behind aliases counted each time."""
    if isinstance(node, ScalarNode):
        return 1
    return 1 + sum(size(child) for child in _children(node))


def shown(text: str, limit: int = 60) -> str:
    """Return `text` as it may stand in a message: on one line, nothing a terminal would act on, not too long."""
    short = text if len(text) <= limit else f"{text[:limit]}…"
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in short)


def kind_of(node: Node) -> str:
    """Return what `node` is, in a message's words."""
    if isinstance(node, MappingNode):
        return "a mapping"
    if isinstance(node, SequenceNode):
        return "a list"
    return {"null": "nothing", "bool": str(node.value).lower()}.get(tag(node), f"'{shown(str(node.value))}'")


def _merge_sources(node: Node, file: str) -> list[MappingNode]:
    sources = node.value if isinstance(node, SequenceNode) else [node]
    for source in sources:
        if not isinstance(source, MappingNode):
            raise _refuse(file, "'<<' takes a mapping, or a list of them.", where=at(source, file))
    return list(sources)


def _decode(data: bytes, file: str) -> str:
    if len(data) > MAX_BYTES:
        raise _refuse(file, f"the file is larger than the {MAX_BYTES // 2**20} MiB that mcci reads.")
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            message = f"the file begins with the byte order mark of {encoding}."
            raise _refuse(file, message, "Save it as UTF-8 without one.")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        where = _place(data[: error.start].decode("utf-8"), file)
        raise _refuse(file, f"the byte 0x{data[error.start]:02x} is not UTF-8.", "Save it as UTF-8.", where) from error
    wrong = _UNPRINTABLE.search(text)
    if wrong:
        message = f"the character U+{ord(wrong.group()):04X} must not stand in YAML."
        raise _refuse(file, message, "Remove it.", _place(text[: wrong.start()], file))
    return text


def _place(before: str, file: str) -> Position:
    return Position(file=file, line=before.count("\n") + 1, column=len(before) - before.rfind("\n"))


def _check_length(text: str, file: str) -> None:
    """Refuse too many values before seconds are spent on them: each has a line's end or one of these beside it.

    So too for brackets: ruamel.yaml's time grows with the square of their depth.
    """
    nested = _NESTED.search(text)
    if nested:
        raise _too_deep(file, _place(text[: nested.start()], file))
    if sum(text.count(each) for each in "\n,[{") > MAX_SEPARATORS:
        raise _too_many(file)


def _syntax(error: MarkedYAMLError, file: str) -> InvalidInput:
    mark: Any = error.problem_mark or error.context_mark
    where = Position(file=file, line=mark.line + 1, column=mark.column + 1) if mark else Position(file=file)
    begun: Any = error.context_mark
    context = f"{error.context} that begins at line {begun.line + 1}," if error.context and begun else error.context
    problem = " ".join(" ".join(str(part).split()) for part in (context, error.problem) if part)
    if "'\\t'" in problem:
        return _refuse(file, "a tab stands where YAML wants spaces.", "Indent with spaces.", where)
    return _refuse(file, f"this is not YAML: {shown(problem, 200)}.", where=where)


def _refuse(file: str, message: str, help_: str = "", where: Position | None = None) -> InvalidInput:
    position = where or Position(file=file)
    return InvalidInput([Finding(rule="config-unreadable", message=message, position=position, help=help_)])


def _too_deep(file: str, where: Position | None = None) -> InvalidInput:
    return _refuse(file, f"the YAML is nested more than {MAX_DEPTH} levels deep.", where=where)


def _too_many(file: str, where: Position | None = None) -> InvalidInput:
    return _refuse(file, "the file holds more values than mcci reads.", where=where)


def _check_nodes(root: Node, file: str) -> None:
    """Refuse unknown tags, loops, depth, and aliases that multiply.

    Each node is looked at once, but counted as often as it is reached.
    """
    sizes: dict[int, int] = {}

    def count(node: Node, depth: int) -> int:
        known = sizes.get(id(node))
        if known == -1:
            raise _refuse(file, "an alias refers to what it stands in.", where=at(node, file))
        if known is None:
            if tag(node) not in _KNOWN_TAGS:
                raise _refuse(file, f"the tag '{shown(tag(node))}' has no meaning here.", "Remove it.", at(node, file))
            if isinstance(node, ScalarNode):
                if not node.value.isascii() and _SURROGATE.search(node.value):
                    raise _refuse(file, "a surrogate is no character.", "Write the character itself.", at(node, file))
                return 1
            if depth > MAX_DEPTH:
                raise _too_deep(file, at(node, file))
            sizes[id(node)] = -1
            known = sizes[id(node)] = 1 + sum(count(child, depth + 1) for child in _children(node))
        if known > MAX_VALUES:
            message = f"its aliases expand to more than {MAX_VALUES:,} values."
            raise _refuse(file, message, "Write what is meant without them.", at(node, file))
        return known

    count(root, 1)


def _children(node: Node) -> Iterable[Node]:
    if isinstance(node, MappingNode):
        return (part for pair in node.value for part in pair)
    children: list[Node] = node.value
    return children
