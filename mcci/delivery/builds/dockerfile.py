"""A Dockerfile read as builders read it, as far as mcci must know: which images it starts from, what it asks for.

Source: https://docs.docker.com/reference/dockerfile/
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DIRECTIVE = re.compile(r"#\s*([A-Za-z]+)\s*=\s*(\S+)\s*$")
_HEREDOC = re.compile(r"""(?<!<)<<-?(["']?)([A-Za-z_]\w*)\1""")
_VARIABLE = re.compile(r"\\?\$(?:(\w+)|\{(\w+)(?:(:?[-+])([^{}]*))?\})")
_FROM = re.compile(r"(?P<flags>(?:--\S+\s+)*)(?P<image>\S+)(?:\s+AS\s+(?P<stage>\S+))?\s*$", re.IGNORECASE)
_COPY_FROM = re.compile(r"--from=(\S+)")
_MOUNT = re.compile(r"--mount=(\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One instruction: its lines (`first` to `last`, from 0), its name in capitals, the rest joined to one line."""

    first: int
    last: int
    name: str
    rest: str
    heredoc: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Dockerfile:
    """What a Dockerfile says.

    `bases` are the images of other repositories that it starts from or copies from, as written once the variables are
    put in, the final stage's own base last. `unknown` are those whose variables have no value. `buildkit` are the
    features that only BuildKit and buildah have, in words.
    """

    instructions: tuple[Instruction, ...]
    bases: tuple[str, ...]
    unknown: tuple[str, ...]
    buildkit: tuple[str, ...]
    secrets: tuple[str, ...]


def parse(text: str, arguments: Mapping[str, str]) -> Dockerfile:
    """Return what `text` says when it is built with the build `arguments`."""
    instructions = tuple(_instructions(text))
    stages: dict[str, str] = {}
    used: dict[str, None] = {}
    final: str | None = None
    for each, image, stage in _images(instructions, arguments):
        base = stages.get(image.lower(), image)
        if each.name == "FROM":
            final = base
            stages[stage or f"#{each.first}"] = base
        used[base] = None
    names = [name for name in used if name != final] + ([] if final is None else [final])
    return Dockerfile(
        instructions=instructions,
        bases=tuple(name for name in names if name and name != "scratch" and "$" not in name),
        unknown=tuple(name for name in names if "$" in name or not name),
        buildkit=tuple(dict.fromkeys(_buildkit(text, instructions))),
        secrets=tuple(dict.fromkeys(_secrets(instructions))),
    )


def pinned(text: str, arguments: Mapping[str, str], pins: Mapping[str, str]) -> str:
    """Return `text` with each base image in `pins` replaced by its value, every line where it was.

    A tag may move between the decision to build and the build itself; what is built is what was decided on.
    """
    lines = text.removeprefix("\ufeff").splitlines()
    stages: set[str] = set()
    for each, image, stage in _images(tuple(_instructions(text)), arguments):
        pin = "" if image.lower() in stages else pins.get(image, "")
        match = _FROM.match(each.rest)
        if each.name == "FROM" and match:
            stages.add(stage)
            if pin:
                name = f" AS {match['stage']}" if match["stage"] else ""
                blank = [""] * (each.last - each.first)
                lines[each.first : each.last + 1] = [f"FROM {match['flags']}{pin}{name}", *blank]
        elif pin:
            source = re.compile(rf"\bfrom=([\"']?){re.escape(image)}(?=[\s,\"']|$)")
            for number in range(each.first, each.last + 1):
                lines[number] = source.sub(rf"from=\g<1>{pin}", lines[number])
    return "\n".join(lines) + "\n"


def _images(
    instructions: tuple[Instruction, ...], arguments: Mapping[str, str]
) -> Iterator[tuple[Instruction, str, str]]:
    """Yield each instruction that names an image or a stage: that name with its variables put in, and the stage begun.

    Only an ARG before the first FROM counts in a FROM; COPY and RUN take no variable there.
    """
    variables: dict[str, str] = {}
    inside = False
    for each in instructions:
        if each.name == "ARG" and not inside:
            for name, given, default in (word.partition("=") for word in _words(each.rest)):
                if given or name in arguments:
                    variables[name] = arguments.get(name, substituted(default, variables))
        elif each.name == "FROM" and (match := _FROM.match(each.rest)):
            inside = True
            yield each, substituted(match["image"].strip("\"'"), variables), (match["stage"] or "").lower()
        else:
            for image in _copied_from(each):
                if not image.isdigit():  # a stage by its number
                    yield each, image, ""


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def substituted(text: str, variables: Mapping[str, str]) -> str:
    """Return `text` with `$NAME`, `${NAME}`, `${NAME:-word}` and `${NAME:+word}` put in; what is not known stays."""

    def value(match: re.Match[str]) -> str:
        if match.group().startswith("\\"):
            return match.group()[1:]
        name, operator, word = match[1] or match[2], match[3] or "", match[4] or ""
        found = variables.get(name)
        present = found is not None if operator in ("-", "+") else bool(found)
        if operator.endswith("+"):
            return substituted(word, variables) if present else ""
        if operator.endswith("-") and not present:
            return substituted(word, variables)
        return match.group() if found is None else found

    return _VARIABLE.sub(value, text)


def _instructions(text: str) -> Iterator[Instruction]:
    """Yield the instructions; comments, blank lines, continuations and here-documents are put together."""
    lines = text.removeprefix("\ufeff").splitlines()
    escape = _directives(text).get("escape", "\\")
    number = 0
    while number < len(lines):
        first = number
        parts: list[str] = []
        while number < len(lines):
            line = lines[number].strip()
            number += 1
            if not line or line.startswith("#"):
                if parts:
                    continue
                first = number
                continue
            parts.append(line.removesuffix(escape).rstrip())
            if not line.endswith(escape):
                break
        if not parts:
            continue
        name, _, rest = " ".join(parts).partition(" ")
        name, words = name.upper(), [match[1] for match in _heredocs(name.upper(), rest)]
        for word in words:
            while number < len(lines) and lines[number].lstrip("\t") != word:
                number += 1
            number += 1
        last = min(number, len(lines)) - 1
        yield Instruction(first=first, last=last, name=name, rest=rest.strip(), heredoc=bool(words))


def _heredocs(name: str, rest: str) -> list[tuple[str, str]]:
    return _HEREDOC.findall(rest) if name in ("RUN", "COPY", "ADD") else []


def _directives(text: str) -> dict[str, str]:
    """Return the parser directives: the comments `# name=value` at the very top."""
    found: dict[str, str] = {}
    for line in text.removeprefix("\ufeff").splitlines():
        match = _DIRECTIVE.match(line.strip())
        if not match or match[1].lower() in found:
            break
        found[match[1].lower()] = match[2]
    return found


def _copied_from(instruction: Instruction) -> list[str]:
    """Return the stages and images that an instruction takes files from."""
    if instruction.name == "COPY":
        return [match.strip("\"'") for match in _COPY_FROM.findall(instruction.rest)]
    if instruction.name == "RUN":
        options = [mount.strip("\"'").split(",") for mount in _MOUNT.findall(instruction.rest)]
        return [option[5:] for mount in options for option in mount if option.startswith("from=")]
    return []


def _buildkit(text: str, instructions: tuple[Instruction, ...]) -> Iterator[str]:
    if "syntax" in _directives(text):
        yield "a `# syntax=` line"
    for each in instructions:
        if each.heredoc:
            yield f"a here-document in {each.name}"
        for mount in _MOUNT.findall(each.rest) if each.name == "RUN" else []:
            kind = re.search(r"(?:^|,)type=(\w+)", mount.strip("\"'"))
            yield f"RUN --mount=type={kind[1] if kind else 'bind'}"
        if each.name in ("COPY", "ADD") and (flag := re.search(r"--(chmod|link|exclude|parents)\b", each.rest)):
            yield f"{each.name} --{flag[1]}"


def _secrets(instructions: tuple[Instruction, ...]) -> Iterator[str]:
    for each in instructions:
        for mount in _MOUNT.findall(each.rest) if each.name == "RUN" else []:
            options = dict(option.partition("=")[::2] for option in mount.strip("\"'").split(","))
            if options.get("type") == "secret" and (name := options.get("id") or options.get("target")):
                yield name
