"""A Dockerfile's text to what it says about its service: ports, health, what it copies, what it compiles."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass

from mcci.config.choices import Stack

_COMPILERS = {
    Stack.MAVEN: r"\bmvnw?\b",
    Stack.GO: r"\bgo\s+(build|install)\b",
    Stack.NODE: r"\b(npm\s+(ci|install|run)|yarn|pnpm)\b",
    Stack.PYTHON: r"\b(pip3?\s+install|poetry\s+install|uv\s+(sync|pip))\b(?!.*--no-index)",
}
_MADE = re.compile(r"(^|/)(dist|target|build|out|bin)(/|$)|\.(whl|jar|war)$")
_HEALTH = re.compile(r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(?::[\w${}]+)?(/[\w./-]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dockerfile:
    """`copies` are the sources it takes from the build context; `health` the path its health check asks for."""

    ports: tuple[int, ...]
    health: str
    copies: tuple[str, ...]
    runs: tuple[str, ...]

    def compiles(self, stack: Stack) -> bool:
        """Return whether it compiles a `stack` itself, rather than taking what a job has made."""
        if any(_MADE.search(source) for source in self.copies):
            return False
        return any(re.search(_COMPILERS[stack], command) for command in self.runs)


def parse(text: str) -> Dockerfile:
    """Return what a Dockerfile says. Lines that are none of Docker's instructions are passed over."""
    variables: dict[str, str] = {}
    ports: list[int] = []
    copies: list[str] = []
    runs: list[str] = []
    health = ""
    for name, rest in _instructions(text):
        if name in ("ARG", "ENV"):
            variables |= _assignments(rest)
        elif name == "EXPOSE":
            ports += _ports(_substituted(rest, variables))
        elif name in ("COPY", "ADD"):
            copies += _sources(_substituted(rest, variables))
        elif name == "RUN":
            runs.append(" ".join(_words(rest)))
        elif name == "HEALTHCHECK":
            match = _HEALTH.search(rest)
            health = match.group(1) if match else health
    return Dockerfile(ports=tuple(dict.fromkeys(ports)), health=health, copies=tuple(copies), runs=tuple(runs))


def _instructions(text: str) -> list[tuple[str, str]]:
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    whole = re.sub(r"[\\`]\s*\n", " ", "\n".join(lines))
    found = (re.match(r"\s*([A-Za-z]+)\s+(.+)", line) for line in whole.splitlines())
    return [(match.group(1).upper(), match.group(2).strip()) for match in found if match]


def _assignments(text: str) -> dict[str, str]:
    words = _words(text)
    if words and "=" not in words[0]:
        return {words[0]: " ".join(words[1:])}
    return dict(word.split("=", 1) for word in words if "=" in word)


def _substituted(text: str, variables: dict[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        return variables.get(match.group(1)) or match.group(2) or ""

    return re.sub(r"\$\{?(\w+)(?::-([^}]*))?\}?", value, text)


def _ports(text: str) -> list[int]:
    numbers = (re.fullmatch(r"(\d{1,5})(?:/tcp)?", word) for word in text.split())
    return [int(match.group(1)) for match in numbers if match and 0 < int(match.group(1)) < 65536]


def _sources(text: str) -> list[str]:
    words = re.sub(r"^(--\S+\s+)+", "", text)
    if "--from" in text.removesuffix(words):
        return []
    sources = _words(words)[:-1]
    return [source.removeprefix("./") or "." for source in sources if "://" not in source and "<<" not in source]


def _words(text: str) -> list[str]:
    """Return an instruction's words, in the shell's form or in JSON's."""
    try:
        if text.startswith("["):
            return [str(word) for word in json.loads(text)]
        return shlex.split(text)
    except ValueError:
        return text.split()
