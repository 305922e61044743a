"""Bytes to YAML nodes, with every way a file can be unreadable turned into a finding at its place.

ruamel.yaml composes the nodes (YAML 1.2: `off` and `no` are text, `18.10` keeps its zero as node text). Aliases and merge
keys are taken, but a file whose aliases multiply beyond reason is refused before anything walks it.
"""

from __future__ import annotations

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from mcci.errors import InvalidInput
from mcci.findings import Finding, Position

MAX_BYTES = 4 * 1024 * 1024
MAX_VALUES = 500_000
_TAG = "tag:yaml.org,2002:"


def read(data: bytes, file: str) -> Node:
    """Return the root node of `data`, a mapping. Raises `InvalidInput` with one finding."""
    text = _decode(data, file)
    try:
        documents = list(YAML(typ="safe", pure=True).compose_all(text))
    except MarkedYAMLError as error:
        raise _syntax(error, file) from error
    except (YAMLError, ValueError) as error:
        raise _refuse(file, f"this is not YAML: {str(error).splitlines()[0]}") from error
    except RecursionError as error:
        raise _refuse(file, "the YAML is nested too deeply") from error
    roots = [node for node in documents if node is not None]
    if not roots:
        raise _refuse(file, "the file is empty.", "'mcci init' writes one for this repository.")
    if len(roots) > 1:
        raise _refuse(file, "the file holds more than one YAML document.", "Keep one.", at(roots[1], file))
    if not isinstance(roots[0], MappingNode):
        raise _refuse(file, "the file must be a mapping of keys.", "It begins with 'version: 1'.", at(roots[0], file))
    _check_size(roots[0], file)
    return roots[0]


def at(node: Node, file: str) -> Position:
    """Return where `node` starts."""
    mark: Any = node.start_mark
    return Position(file=file, line=mark.line + 1, column=mark.column + 1)


def tag(node: Node) -> str:
    """Return a node's short tag: `str`, `int`, `float`, `bool`, `null`, `map`, `seq`, `merge`, or its own."""
    return str(node.tag).removeprefix(_TAG)


def pairs(node: MappingNode, file: str) -> tuple[dict[str, tuple[Node, Node]], list[Finding]]:
    """Return a mapping's items as name → (key node, value node), merge keys applied, and what is wrong with its keys."""
    found: list[Finding] = []
    own: dict[str, tuple[Node, Node]] = {}
    merged: dict[str, tuple[Node, Node]] = {}
    for key_node, value_node in node.value:
        if tag(key_node) == "merge":
            merged.update(_merge_sources(value_node, file))
        elif not isinstance(key_node, ScalarNode):
            found.append(Finding(rule="config-key", message="a key must be text.", position=at(key_node, file)))
        elif key_node.value in own:
            first = at(own[key_node.value][0], file)
            message = f"the key '{key_node.value}' is here a second time (first at line {first.line})."
            found.append(
                Finding(
                    rule="config-duplicate-key",
                    message=message,
                    position=at(key_node, file),
                    help="Keep one of the two.",
                )
            )
        else:
            own[key_node.value] = (key_node, value_node)
    return {**merged, **own}, found


def plain(node: Node) -> object:
    """Return a node as plain Python values, for free-form keys such as Helm values."""
    if isinstance(node, MappingNode):
        return {key: plain(value) for key, (_, value) in pairs(node, "")[0].items()}
    if isinstance(node, SequenceNode):
        return [plain(item) for item in node.value]
    return scalar(node)


def scalar(node: Node) -> object:
    """Return a scalar as YAML 1.2 reads it: text, int, float, bool or None."""
    kind, text = tag(node), str(node.value)
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        return int(text.replace("_", ""), 0 if text.lstrip("+-").startswith(("0x", "0o")) else 10)
    if kind == "float":
        return float(text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan").replace(".Inf", "inf"))
    return text


def _merge_sources(node: Node, file: str) -> dict[str, tuple[Node, Node]]:
    sources = node.value if isinstance(node, SequenceNode) else [node]
    result: dict[str, tuple[Node, Node]] = {}
    for source in reversed(sources):
        if not isinstance(source, MappingNode):
            raise _refuse(file, "'<<' takes a mapping, or a list of them.", where=at(node, file))
        result.update(pairs(source, file)[0])
    return result


def _decode(data: bytes, file: str) -> str:
    if len(data) > MAX_BYTES:
        raise _refuse(file, f"the file is larger than {MAX_BYTES // 2**20} MiB; no configuration needs so much.")
    if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise _refuse(file, "the file begins with a byte order mark.", "Save it as UTF-8 without one.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        where = Position(file=file, line=before.count("\n") + 1, column=len(before) - before.rfind("\n"))
        raise _refuse(file, f"byte 0x{data[error.start]:02x} is not UTF-8.", "Save it as UTF-8.", where) from error


def _syntax(error: MarkedYAMLError, file: str) -> InvalidInput:
    mark: Any = error.problem_mark or error.context_mark
    where = Position(file=file, line=mark.line + 1, column=mark.column + 1) if mark else Position(file=file)
    problem = " ".join(str(part) for part in (error.context, error.problem) if part)
    if "'\\t'" in problem:
        return _refuse(file, "a tab stands where YAML wants spaces.", "Indent with spaces.", where)
    return _refuse(file, f"this is not YAML: {problem}.", where=where)


def _refuse(file: str, message: str, help_: str = "", where: Position | None = None) -> InvalidInput:
    position = where or Position(file=file)
    return InvalidInput([Finding(rule="config-unreadable", message=message, position=position, help=help_)])


def _check_size(root: Node, file: str) -> None:
    """Refuse aliases that multiply: count every value as often as it is reached, each node once; refuse a loop too."""
    sizes: dict[int, int] = {}

    def size(node: Node) -> int:
        if isinstance(node, ScalarNode):
            return 1
        known = sizes.get(id(node))
        if known == -1:
            raise _refuse(file, "an alias refers to itself.", where=at(node, file))
        if known is None:
            sizes[id(node)] = -1
            children = node.value if isinstance(node, SequenceNode) else [part for pair in node.value for part in pair]
            known = sizes[id(node)] = 1 + sum(size(child) for child in children)
        if known > MAX_VALUES:
            raise _refuse(
                file,
                f"its aliases expand to more than {MAX_VALUES:,} values.",
                "Write what is meant without them.",
                at(node, file),
            )
        return known

    try:
        size(root)
    except RecursionError as error:
        raise _refuse(file, "the YAML is nested too deeply") from error
